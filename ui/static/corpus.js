// The Articles view: a full screen over the page with the list of articles, a reader, uploads and removals.
//
//     createCorpus({ onFilter, filters, onChanged, readOnly }) -> { open(opener), close(), back(), add(files), limits() }
//
// `onFilter` gets {from, to, outlets, articles}, all empty for "ask all"; `filters()` returns the current filters;
// `onChanged` is called when articles were added or removed. Other modules make the parts; this one combines them.

import { createFilters } from "./corpus_filters.js";
import { createList } from "./corpus_list.js";
import { createPaste } from "./corpus_paste.js";
import { createReader } from "./corpus_reader.js";
import { createRemoval } from "./corpus_removal.js";
import { allArticles, createScope } from "./corpus_scope.js";
import { count, el, narrow } from "./dom.js";
import { createIncoming } from "./incoming.js";
import { on, plainButton } from "./requests.js";

export function createCorpus({ onFilter, filters: given, onChanged = () => {}, readOnly = false }) {
  const chosen = new Map(); // path -> title of the ticked articles
  const inForce = () => ({ ...allArticles(), ...given() });

  const heading = el("h2", { id: "cw-articles-title", tabindex: "-1" }, "Articles");
  const problem = el("p", { class: "cw-articles-problem", role: "alert", hidden: true });
  const spoken = el("p", { class: "cw-spoken", role: "status" });
  const say = (text) => { spoken.textContent = text; };
  function tell(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }

  const incoming = createIncoming({
    tell, say, onDismissed: () => heading.focus(),
    onIndexed: () => { onChanged(); if (!root.hidden) list.load(); },
  });
  const paste = createPaste(incoming);
  const filters = createFilters({ onChange: () => { list.first(); list.load(); } });
  const list = createList({
    filters, chosen, heading, tell, onOpen: (path) => reader.read(path), onTick: () => scope.drawActions(), onDrawn: () => scope.draw(),
    onLoading: (loading) => root.toggleAttribute("data-loading", loading),
  });
  const reader = createReader({
    tell, onAsk: (path) => scope.askOnly(path), onRemove: readOnly ? null : removeOnly, onClosed: list.focus,
    onOpened: (path) => { list.mark(path); root.classList.toggle("cw-reads", Boolean(path)); },
  });
  const removal = createRemoval({
    chosen, tell, cover, onRemoved: forget,
    onKept: (before) => (before.isConnected ? before : scope.removeButton() || heading).focus(), // the list may be new
    onEnd: () => { heading.focus(); return list.load(); },
  });
  const scope = createScope({ list, filters, chosen, heading, tell, inForce, onFilter, onAsked: close, onRemove: readOnly ? null : removal.ask });
  const mayAdd = (...parts) => (readOnly ? [] : parts);
  const root = el("section", { class: "cw-articles", role: "dialog", "aria-modal": "true", "aria-labelledby": "cw-articles-title", hidden: true },
    el("header", { class: "cw-articles-head" }, heading, list.summary,
      mayAdd(incoming.picker, paste.button, el("button", { type: "button", class: "cw-main-button", onclick: incoming.pick }, "Add articles")), plainButton("Close", close)),
    el("div", { class: "cw-articles-main" },
      el("div", { class: "cw-articles-left" }, el("div", { class: "cw-articles-tools" }, filters.parts),
        mayAdd(incoming.limits, paste.fields), scope.line, problem, incoming.section, list.scroller, list.pager, scope.actions),
      reader.node),
    el("div", { class: "cw-drop", "aria-hidden": "true" }, el("p", {}, "Drop files or folders to add them")),
    removal.dialog, spoken);
  on(root, { keydown: keys });
  if (!readOnly) incoming.takeDrops(root);

  // ---- opening and closing

  let opener = null;
  let inerted = [];

  async function open(by) {
    opener = by || document.activeElement;
    if (!root.isConnected) document.body.append(root);
    inerted = [...document.body.children].filter((node) => node !== root && !node.inert);
    for (const node of inerted) node.inert = true;
    root.hidden = false;
    take(inForce());
    reader.close();
    (narrow.matches ? heading : filters.search).focus();
    if (!readOnly) incoming.look();
    await list.load();
  }

  function close() {
    if (root.hidden) return;
    root.hidden = true;
    removal.hide();
    for (const node of inerted) node.inert = false;
    inerted = [];
    opener?.focus?.();
  }

  // The list starts with the articles that the chat asks.
  function take(filter) {
    filters.take(filter);
    list.first();
    const known = new Map(chosen);
    chosen.clear();
    for (const path of filter.articles) chosen.set(path, known.get(path) || path);
  }

  function keys(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    event.preventDefault();
    stepBack();
  }

  function stepBack() {
    if (removal.isOpen()) return removal.keep();
    if (filters.fold()) return undefined;
    return narrow.matches && reader.path() ? reader.back() : close();
  }

  // ---- removing articles

  function removeOnly(row) {
    chosen.clear();
    chosen.set(row.path, row.title);
    list.draw();
    removal.ask();
  }

  function cover(covered) {
    for (const node of root.children) if (node !== removal.dialog && node !== spoken) node.inert = covered;
  }

  function forget(paths) {
    for (const path of paths) chosen.delete(path);
    scope.leaveOut(paths);
    if (paths.includes(reader.path())) reader.close();
    say(`${count(paths.length, "article")} removed`);
    onChanged();
  }

  return { open, close, back: stepBack, add: incoming.add, limits: () => incoming.look().then(() => incoming.limits.textContent) };
}
