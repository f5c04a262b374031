// The list of articles, page by page: requests, drawing, ticks.
//
//     createList({ filters, chosen, heading, tell, onOpen, onTick, onDrawn, onLoading })
//         -> { summary, scroller, pager, found(), first(), load(), paths(most), mark(path), focus(path) }
//
// `filters` are the filters of the list, `chosen` the ticked articles, path -> title. `found()` is the last response of
// the server; `first()` returns to the first page; `paths(most)` are paths of the articles found; `mark` sets the open
// article, "" for none. It sends requests of citewire.ui.corpus_routes.

import { asked, count, el, number } from "./dom.js";
import { badges, facts, on, redraw } from "./requests.js";

const ROWS = 50; // articles on one page

export function createList({ filters, chosen, heading, tell, onOpen, onTick, onDrawn, onLoading }) {
  let listing = null;
  let offset = 0;
  let asking = 0; // number of the latest request
  let marked = ""; // path of the open article

  const summary = el("p", { class: "cw-articles-count", role: "status" });
  const list = el("ul", { class: "cw-article-list", "aria-label": "Articles found" });
  const scroller = el("div", { class: "cw-article-scroll" }, list);
  const pager = el("nav", { class: "cw-pager", "aria-label": "Pages of the list" });

  function ask(start, size) {
    const { words, from, to, outlets } = filters.value();
    const parameters = new URLSearchParams({ q: words, from, to, sort: filters.order(), offset: start, limit: size });
    for (const outlet of outlets) parameters.append("outlet", outlet);
    return asked("GET", `/corpus?${parameters}`);
  }

  const paths = async (most) => (await ask(0, most)).rows.map((row) => row.path);

  async function load() {
    const mine = ++asking;
    onLoading(true);
    try {
      const found = await ask(offset, ROWS);
      if (mine !== asking) return;
      if (!found.rows.length && found.found && offset) {
        offset = Math.floor((found.found - 1) / ROWS) * ROWS; // the last page is shorter now
        return await load();
      }
      listing = found;
      tell("");
      draw();
    } catch (error) {
      if (mine === asking) tell(error.message);
    } finally {
      if (mine === asking) onLoading(false);
    }
  }

  function draw() {
    const all = listing.found === listing.articles;
    summary.textContent = all ? count(listing.articles, "article") : `${number(listing.found)} of ${count(listing.articles, "article")}`;
    filters.draw(listing);
    drawRows();
    drawPager();
    onDrawn();
  }

  function drawRows() {
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.path : null;
    list.replaceChildren(...listing.rows.map(rowOf));
    if (!listing.rows.length) list.append(el("li", { class: "cw-none" }, none()));
    if (focused) buttonOf(focused)?.focus({ preventScroll: true });
  }

  function rowOf(row) {
    const tick = on(el("input", { type: "checkbox", "aria-label": `Choose ${[row.title, row.place].filter(Boolean).join(", ")}` }), { change: () => {
      if (tick.checked) chosen.set(row.path, row.title);
      else chosen.delete(row.path);
      onTick();
    } });
    tick.checked = chosen.has(row.path);
    if (tick.checked) chosen.set(row.path, row.title);
    return el("li", { class: "cw-article-row", "data-on": row.path === marked ? "true" : null },
      el("label", { class: "cw-choose" }, tick),
      el("button", { type: "button", class: "cw-article-open", "data-path": row.path, "aria-current": row.path === marked ? "true" : null, onclick: () => onOpen(row.path) },
        el("b", { dir: "auto" }, row.title), el("small", { dir: "auto" }, facts(row)), badges(row)));
  }

  function none() {
    if (!listing.articles) return "There are no articles. Add some: drop files here, or press Add articles.";
    const { from, to } = filters.value();
    const undated = (from || to) && listing.undated ? ` ${count(listing.undated, "article")} without a date cannot be found by date.` : "";
    return `No article fits. Change the words, dates or outlets.${undated}`;
  }

  function drawPager() {
    const last = Math.min(offset + ROWS, listing.found);
    pager.hidden = listing.found <= ROWS;
    const step = (text, start, off) => el("button", { type: "button", class: "cw-plain", disabled: off, onclick: async () => { offset = start; await load(); scroller.scrollTop = 0; } }, text);
    redraw(pager, [
      step("Previous", Math.max(0, offset - ROWS), offset === 0),
      el("span", {}, `${number(offset + 1)} to ${number(last)} of ${number(listing.found)}`),
      step("Next", offset + ROWS, last >= listing.found)], heading);
  }

  const buttonOf = (path) => [...list.querySelectorAll("button")].find((button) => button.dataset.path === path);

  function mark(path) {
    marked = path;
    for (const button of list.querySelectorAll(".cw-article-open")) {
      const isOpen = button.dataset.path === path;
      if (isOpen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
      button.parentElement.toggleAttribute("data-on", isOpen);
    }
  }

  return {
    summary, scroller, pager, load, draw, paths, mark,
    found: () => listing,
    first: () => { offset = 0; },
    focus: (path) => (buttonOf(path) || heading).focus(),
  };
}
