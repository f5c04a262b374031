// The Articles view: a full screen over the page with the list of articles, a reader, and what comes in or goes out.
//
//     createCorpus({ onFilter, filters, onChanged, readOnly }) -> { open(opener), close(), back(), add(files), limits() }
//
// `onFilter` gets {from, to, outlets, articles}, all empty for "ask all"; `filters()` returns what is in force;
// `onChanged` is called when articles came or went. Requests are those of citewire.ui.corpus_routes.

import { el } from "./dom.js";
import { createIncoming } from "./incoming.js";
import { asked, count, number, on, plainButton, quoted } from "./requests.js";

const ROWS = 50; // articles of one page of the list
const MOST_NAMED = 200; // articles that a search can hand to the chat by name
const NOTHING = Object.freeze({ from: "", to: "", outlets: Object.freeze([]), articles: Object.freeze([]) });
const ORDERS = [["relevance", "Best match"], ["newest", "Newest first"], ["oldest", "Oldest first"], ["title", "By title"], ["longest", "Longest first"]];

export function createCorpus({ onFilter, filters, onChanged = () => {}, readOnly = false }) {
  const narrow = window.matchMedia("(max-width: 860px)");
  const chosen = new Map(); // path -> title of the articles that are ticked
  const state = { words: "", from: "", to: "", outlets: [], sort: "", offset: 0 };
  let listing = null;
  let asking = 0; // number of the newest request for a list
  let reading = ""; // path of the article that is open
  let opener = null;
  let inerted = [];

  // ---- the fixed parts

  const incoming = createIncoming({
    tell, say: (text) => { spoken.textContent = text; }, onDismissed: () => heading.focus(),
    onIndexed: () => { onChanged(); if (!root.hidden) load(); },
  });
  const heading = el("h2", { id: "cw-articles-title", tabindex: "-1" }, "Articles");
  const summary = el("p", { class: "cw-articles-count", role: "status" });
  const addButton = el("button", { type: "button", class: "cw-main-button", onclick: () => incoming.pick() }, "Add articles");
  const pasteButton = plainButton("Paste text", () => { paste.hidden = !paste.hidden; (paste.hidden ? pasteButton : pasteTitle).focus(); });
  const pasteTitle = el("input", { class: "cw-field", "aria-label": "Title of the text", placeholder: "Title", maxlength: "300" });
  const pasteText = el("textarea", { class: "cw-field", "aria-label": "Text of the article", placeholder: "The text of the article", rows: "5" });
  const paste = el("div", { class: "cw-paste", role: "group", "aria-label": "Paste text", hidden: true }, pasteTitle, pasteText, el("div", { class: "cw-sure-buttons" },
    plainButton("Cancel", () => pasteButton.click()), el("button", { type: "button", class: "cw-main-button", onclick: addPasted }, "Add as an article")));
  const search = on(el("input", { type: "search", class: "cw-field", "aria-label": "Search the articles", placeholder: "Search words, titles, outlets", maxlength: "500" }),
    { input: () => later(() => change({ words: search.value.trim(), sort: "" })) });
  const from = on(el("input", { type: "date", class: "cw-field" }), { change: () => change({ from: from.value }) });
  const to = on(el("input", { type: "date", class: "cw-field" }), { change: () => change({ to: to.value }) });
  const outletBox = el("div", { class: "cw-outlet-list" });
  const outletName = el("summary", { class: "cw-field" }, "All outlets");
  const outlets = el("details", { class: "cw-outlets" }, outletName, outletBox);
  const order = on(el("select", { class: "cw-field", "aria-label": "Order" }, ORDERS.map(([value, text]) => el("option", { value }, text))),
    { change: () => change({ sort: order.value }) });
  const fold = el("button", { type: "button", class: "cw-plain cw-fold", "aria-expanded": "false", onclick: () => fold.setAttribute("aria-expanded", String(fold.getAttribute("aria-expanded") !== "true")) }, "Filters");
  const clear = el("button", { type: "button", class: "cw-plain", onclick: () => { reset(); search.focus(); } }, "Clear");
  const inForce = el("div", { class: "cw-in-force", hidden: true });
  const problem = el("p", { class: "cw-articles-problem", role: "alert", hidden: true });
  const spoken = el("p", { class: "cw-spoken", role: "status" });
  const list = el("ul", { class: "cw-article-list", "aria-label": "Articles found" });
  const scroller = el("div", { class: "cw-article-scroll" }, list);
  const pager = el("nav", { class: "cw-pager", "aria-label": "Pages of the list" });
  const actions = el("div", { class: "cw-article-actions" });
  const reader = el("article", { class: "cw-article-reader", tabindex: "-1", "aria-label": "Article" });
  const dialog = el("div", { class: "cw-sure", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "cw-sure-title", hidden: true });
  const root = el("section", { class: "cw-articles", role: "dialog", "aria-modal": "true", "aria-labelledby": "cw-articles-title", hidden: true },
    el("header", { class: "cw-articles-head" }, heading, summary, ...(readOnly ? [] : [incoming.picker, pasteButton, addButton]), plainButton("Close", close)),
    el("div", { class: "cw-articles-main" },
      el("div", { class: "cw-articles-left" },
        el("div", { class: "cw-articles-tools" }, search, fold,
          el("label", { class: "cw-day" }, "From", from), el("label", { class: "cw-day" }, "To", to), outlets, order, clear),
        ...(readOnly ? [] : [incoming.limits, paste]), inForce, problem, incoming.section, scroller, pager, actions),
      reader),
    el("div", { class: "cw-drop", "aria-hidden": "true" }, el("p", {}, "Drop files or folders to add them")),
    dialog, spoken);
  on(root, { keydown: keys });
  if (!readOnly) incoming.takeDrops(root);

  let timer = 0;
  function later(action) {
    clearTimeout(timer);
    timer = setTimeout(action, 200);
  }

  // ---- opening and closing

  async function open(by) {
    opener = by || document.activeElement;
    if (!root.isConnected) document.body.append(root);
    inerted = [...document.body.children].filter((node) => node !== root && !node.inert);
    for (const node of inerted) node.inert = true;
    root.hidden = false;
    take({ ...NOTHING, ...filters() });
    closeReader();
    (narrow.matches ? heading : search).focus();
    if (!readOnly) incoming.look();
    await load();
  }

  function close() {
    if (root.hidden) return;
    root.hidden = true;
    dialog.hidden = true;
    for (const node of inerted) node.inert = false;
    inerted = [];
    opener?.focus?.();
  }

  function take(filter) {
    Object.assign(state, { from: filter.from, to: filter.to, outlets: [...filter.outlets], offset: 0 });
    const known = new Map(chosen);
    chosen.clear();
    for (const path of filter.articles) chosen.set(path, known.get(path) || path);
    from.value = state.from;
    to.value = state.to;
  }

  function keys(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    event.preventDefault();
    stepBack();
  }

  function stepBack() {
    if (!dialog.hidden) return unsure();
    if (outlets.open) {
      outlets.open = false;
      return outletName.focus();
    }
    if (narrow.matches && reading) return back();
    close();
  }

  // A record of its own format: the text stays as it was pasted, and has a title.
  function addPasted() {
    const [title, text] = [pasteTitle.value.trim(), pasteText.value.trim()];
    if (!text) return pasteText.focus();
    const name = title.replace(/[/\\:*?"<>|.\s]+/g, " ").trim().slice(0, 60) || "Pasted text";
    incoming.add([new File([JSON.stringify({ title, text })], `${name}.jsonl`)]);
    pasteTitle.value = pasteText.value = "";
    pasteButton.click();
  }

  // ---- the list

  function change(parts) {
    Object.assign(state, { offset: 0 }, parts);
    load();
  }

  function reset() {
    for (const field of [search, from, to]) field.value = "";
    change({ words: "", from: "", to: "", outlets: [], sort: "" });
  }

  const sort = () => state.sort || (state.words ? "relevance" : "newest");

  function query(offset, size) {
    const parameters = new URLSearchParams({ q: state.words, from: state.from, to: state.to, sort: sort(), offset, limit: size });
    for (const outlet of state.outlets) parameters.append("outlet", outlet);
    return `/corpus?${parameters}`;
  }

  async function load() {
    const mine = ++asking;
    root.dataset.loading = "true";
    try {
      const found = await asked(query(state.offset, ROWS));
      if (mine !== asking) return;
      if (!found.rows.length && found.found && state.offset) {
        state.offset = Math.floor((found.found - 1) / ROWS) * ROWS; // the last page is shorter now
        return await load();
      }
      listing = found;
      tell("");
      draw();
    } catch (error) {
      if (mine === asking) tell(error.message);
    } finally {
      if (mine === asking) delete root.dataset.loading;
    }
  }

  function tell(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }

  function draw() {
    const all = listing.found === listing.articles;
    summary.textContent = all ? count(listing.articles, "article") : `${number(listing.found)} of ${count(listing.articles, "article")}`;
    const narrowing = [state.from || state.to, state.outlets.length].filter(Boolean).length;
    fold.textContent = narrowing ? `Filters (${narrowing})` : "Filters";
    clear.hidden = !(state.words || narrowing);
    order.value = sort();
    order.options[0].disabled = !state.words;
    for (const day of [from, to]) {
      day.min = listing.first;
      day.max = listing.last;
    }
    drawOutlets();
    drawRows();
    drawPager();
    drawActions();
    drawInForce();
  }

  function drawOutlets() {
    outlets.hidden = !listing.outlets.length;
    outletName.textContent = state.outlets.length > 1 ? `${state.outlets.length} outlets` : state.outlets[0] || "All outlets";
    const focused = outletBox.contains(document.activeElement) ? document.activeElement.value : null;
    outletBox.replaceChildren(...listing.outlets.map(([name, articles]) => el("label", {},
      on(el("input", { type: "checkbox", value: name }), { change: (event) => toggleOutlet(name, event.target.checked) }),
      el("span", { dir: "auto" }, name), el("small", {}, number(articles)))));
    for (const box of outletBox.querySelectorAll("input")) {
      box.checked = state.outlets.includes(box.value);
      if (box.value === focused) box.focus();
    }
  }

  function toggleOutlet(name, on) {
    change({ outlets: on ? [...state.outlets, name] : state.outlets.filter((other) => other !== name) });
  }

  function facts(row) {
    return [row.outlet, row.date || "date unknown", row.place, count(row.words, "word")].filter(Boolean).join(", ");
  }

  function badges(row) {
    return [
      row.copies ? el("span", { class: "cw-badge", title: "Other articles tell the same story in nearly the same words" }, row.copies === 1 ? "1 copy" : `${number(row.copies)} copies`) : null,
      row.uploaded ? el("span", { class: "cw-badge cw-badge-added", title: "Added on this page" }, "added here") : null,
    ];
  }

  function drawRows() {
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.path : null;
    list.replaceChildren(...listing.rows.map((row) => {
      const tick = on(el("input", { type: "checkbox", "aria-label": `Choose ${[row.title, row.place].filter(Boolean).join(", ")}` }), { change: () => choose(row, tick.checked) });
      tick.checked = chosen.has(row.path);
      if (tick.checked) chosen.set(row.path, row.title);
      return el("li", { class: "cw-article-row", "data-on": row.path === reading ? "true" : null },
        el("label", { class: "cw-choose" }, tick),
        el("button", { type: "button", class: "cw-article-open", "data-path": row.path, "aria-current": row.path === reading ? "true" : null, onclick: () => read(row.path) },
          el("b", { dir: "auto" }, row.title), el("small", { dir: "auto" }, facts(row)), badges(row)));
    }));
    if (!listing.rows.length) list.append(el("li", { class: "cw-none" }, none()));
    if (focused) [...list.querySelectorAll("button")].find((button) => button.dataset.path === focused)?.focus({ preventScroll: true });
  }

  function none() {
    if (!listing.articles) return "There are no articles. Add some: drop files here, or press Add articles.";
    const undated = (state.from || state.to) && listing.undated ? ` ${count(listing.undated, "article")} without a date cannot be found by date.` : "";
    return `No article fits. Change the words, dates or outlets.${undated}`;
  }

  function drawPager() {
    const last = Math.min(state.offset + ROWS, listing.found);
    pager.hidden = listing.found <= ROWS;
    const step = (text, offset, off) => el("button", { type: "button", class: "cw-plain", disabled: off, onclick: async () => { state.offset = offset; await load(); scroller.scrollTop = 0; } }, text);
    redrawn(pager, [
      step("Previous", Math.max(0, state.offset - ROWS), state.offset === 0),
      el("span", {}, `${number(state.offset + 1)} to ${number(last)} of ${number(listing.found)}`),
      step("Next", state.offset + ROWS, last >= listing.found)]);
  }

  // Puts new parts in place of others; the button that had the focus keeps it, where there still is one of its name.
  function redrawn(place, parts) {
    const focused = place.contains(document.activeElement) ? document.activeElement.textContent : null;
    place.replaceChildren(...parts);
    if (focused === null) return;
    const buttons = [...place.querySelectorAll("button:not(:disabled)")];
    (buttons.find((button) => button.textContent === focused) || buttons[0] || heading).focus();
  }

  function choose(row, on) {
    if (on) chosen.set(row.path, row.title);
    else chosen.delete(row.path);
    drawActions();
  }

  // ---- what the chat asks

  function drawActions() {
    const some = chosen.size;
    const narrowed = state.words || state.from || state.to || state.outlets.length;
    const parts = [];
    if (some) {
      parts.push(el("span", { class: "cw-chosen" }, `${count(some, "article")} chosen`), plainButton("Choose none", () => { chosen.clear(); draw(); }));
      if (!readOnly) parts.push(el("button", { type: "button", class: "cw-plain cw-danger", onclick: sure }, "Remove"));
    }
    const these = some || (narrowed ? listing.found : 0);
    if (these) {
      const off = !some && Boolean(state.words) && listing.found > MOST_NAMED;
      parts.push(el("button", { type: "button", class: "cw-main-button", disabled: off, title: off ? `Choose articles, or search for fewer than ${MOST_NAMED}` : null, onclick: () => ask().catch((error) => tell(error.message)) }, these === 1 ? "Ask only this one" : `Ask only these ${number(these)}`));
    } else {
      parts.push(el("span", { class: "cw-chosen" }, "Choose articles, dates or outlets to ask only these."));
    }
    redrawn(actions, parts);
  }

  async function ask() {
    const filter = { from: state.from, to: state.to, outlets: [...state.outlets], articles: [...chosen.keys()] };
    if (chosen.size) Object.assign(filter, { from: "", to: "", outlets: [] });
    else if (state.words) filter.articles = (await asked(query(0, MOST_NAMED))).rows.map((row) => row.path);
    onFilter(filter);
    close();
  }

  function drawInForce() {
    const now = { ...NOTHING, ...filters() };
    const parts = [];
    if (now.articles.length) parts.push(count(now.articles.length, "article"));
    if (now.outlets.length) parts.push(now.outlets.join(", "));
    if (now.from || now.to) parts.push([now.from && `from ${now.from}`, now.to && `to ${now.to}`].filter(Boolean).join(" "));
    inForce.hidden = !parts.length;
    inForce.replaceChildren(el("span", {}, `The chat asks only: ${parts.join("; ")}`), plainButton("Ask all articles", () => {
      onFilter({ from: "", to: "", outlets: [], articles: [] });
      chosen.clear();
      draw();
      heading.focus();
    }));
  }

  // ---- the reader

  async function read(path) {
    reading = path;
    mark();
    reader.replaceChildren(el("p", { class: "cw-none" }, "Opening the article"));
    root.classList.add("cw-reads");
    reader.scrollTop = 0;
    try {
      const found = await asked(`/corpus/article?${new URLSearchParams({ path })}`);
      if (reading !== path) return;
      show(found);
    } catch (error) {
      if (reading === path) reader.replaceChildren(backButton(), el("p", { class: "cw-articles-problem" }, error.message));
    }
    if (reading === path) reader.focus({ preventScroll: true });
  }

  function mark() {
    for (const button of list.querySelectorAll(".cw-article-open")) {
      const on = button.dataset.path === reading;
      button.toggleAttribute("aria-current", on);
      if (on) button.setAttribute("aria-current", "true");
      button.parentElement.toggleAttribute("data-on", on);
    }
  }

  const backButton = () => el("button", { type: "button", class: "cw-plain cw-back", onclick: back }, "Back to the list");

  function show({ row, url, characters, end, paragraphs, copies }) {
    const byline = [row.author, row.outlet].filter(Boolean).join(", ");
    reader.setAttribute("aria-label", `Article: ${row.title}`);
    reader.replaceChildren(...[backButton(),
      el("h3", { dir: "auto" }, row.title),
      el("p", { class: "cw-facts", dir: "auto" }, [byline, row.date || "date unknown", count(row.words, "word")].filter(Boolean).join(", "), " ", badges(row)),
      el("p", { class: "cw-path" }, row.path),
      copies.length ? el("div", { class: "cw-copies" }, el("h4", {}, "Told in nearly the same words by"),
        el("ul", {}, copies.map((copy) => el("li", {}, el("button", { type: "button", class: "cw-link", onclick: () => read(copy.path) }, copy.title), el("small", {}, ` ${facts(copy)}`))))) : null,
      el("div", { class: "cw-article-text" }, paragraphs.map((text) => el("p", { dir: "auto" }, text))),
      /^https?:\/\//.test(url) ? el("p", {}, el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, "Open the original article")) : null,
      el("div", { class: "cw-article-actions" },
        plainButton("Ask only this one", () => { onFilter({ ...NOTHING, outlets: [], articles: [row.path] }); close(); }),
        readOnly ? null : el("button", { type: "button", class: "cw-plain cw-danger", onclick: () => { chosen.clear(); chosen.set(row.path, row.title); draw(); sure(); } }, "Remove"))].filter(Boolean));
    if (end < characters) reader.querySelector(".cw-article-text").append(more(row.path, end, characters));
  }

  function more(path, start, characters) {
    const left = Math.round((100 * (characters - start)) / characters);
    const button = el("button", { type: "button", class: "cw-plain", onclick: async () => {
      button.disabled = true;
      try {
        const found = await asked(`/corpus/article?${new URLSearchParams({ path, start })}`);
        if (reading !== path) return;
        const added = found.paragraphs.map((text) => el("p", { dir: "auto", tabindex: "-1" }, text));
        button.replaceWith(...added, ...(found.end < characters ? [more(path, found.end, characters)] : []));
        added[0]?.focus({ preventScroll: true });
      } catch (error) {
        button.disabled = false;
        tell(error.message);
      }
    } }, `Show more (${left}% left)`);
    return button;
  }

  function closeReader() {
    reading = "";
    root.classList.remove("cw-reads");
    reader.setAttribute("aria-label", "Article");
    reader.replaceChildren(el("p", { class: "cw-none" }, "Open an article to read it here."));
    mark();
  }

  function back() {
    const path = reading;
    closeReader();
    ([...list.querySelectorAll("button")].find((button) => button.dataset.path === path) || heading).focus();
  }

  // ---- taking articles out

  let unsureTo = null;

  async function sure() {
    unsureTo = document.activeElement;
    const paths = [...chosen.keys()];
    try {
      showSure(paths, await asked("/corpus/removal", { paths }));
    } catch (error) {
      tell(error.message);
    }
  }

  function showSure(paths, going) {
    const title = going.articles.length === 1 ? `Remove ${quoted(chosen.get(going.articles[0]) || going.articles[0])}?` : `Remove ${count(going.articles.length, "article")}?`;
    const along = going.articles.length - paths.length;
    const lines = [
      along > 0 ? `${count(along, "article")} more came in the same ${going.files.length === 1 ? "file" : "files"} and ${along === 1 ? "goes" : "go"} too.` : "",
      going.files.length ? `${count(going.files.length, "uploaded file")} will be deleted: ${going.files.slice(0, 3).join(", ")}${going.files.length > 3 ? " ..." : ""}.` : "",
      going.staying ? `${going.staying === 1 ? "The file" : "The files"} of ${count(going.staying, "article")} in your own folder stay${going.staying === 1 ? "s" : ""} there: indexing that folder again brings ${going.staying === 1 ? "it" : "them"} back.` : "",
      "Answers that quote what is removed keep their text, but the article can no longer be opened.",
    ];
    const yes = el("button", { type: "button", class: "cw-main-button cw-danger-fill", onclick: () => removeNow(paths, yes) }, "Remove");
    const no = plainButton("Keep", unsure);
    dialog.replaceChildren(el("div", { class: "cw-sure-box" }, el("h3", { id: "cw-sure-title", dir: "auto" }, title),
      lines.filter(Boolean).map((line) => el("p", {}, line)), el("div", { class: "cw-sure-buttons" }, no, yes)));
    dialog.hidden = false;
    covered(true);
    no.focus();
  }

  function covered(on) {
    for (const node of root.children) if (node !== dialog && node !== spoken) node.inert = on;
  }

  function unsure() {
    dialog.hidden = true;
    covered(false);
    (unsureTo?.isConnected ? unsureTo : actions.querySelector(".cw-danger") || heading).focus(); // the list may be new
  }

  async function removeNow(paths, button) {
    button.disabled = true;
    button.textContent = "Removing";
    let text = "";
    try {
      const gone = await asked("/corpus/removal", { paths, sure: true });
      for (const path of gone.articles) chosen.delete(path);
      dropFromFilter(gone.articles);
      if (gone.articles.includes(reading)) closeReader();
      spoken.textContent = `${count(gone.articles.length, "article")} removed`;
      onChanged();
    } catch (error) {
      text = error.message;
    }
    unsureTo = heading;
    unsure();
    await load();
    if (text) tell(text);
  }

  function dropFromFilter(paths) {
    const now = { ...NOTHING, ...filters() };
    if (!now.articles.some((path) => paths.includes(path))) return;
    onFilter({ ...now, outlets: [...now.outlets], articles: now.articles.filter((path) => !paths.includes(path)) });
  }

  document.addEventListener("click", (event) => {
    if (outlets.open && !outlets.contains(event.target)) outlets.open = false;
  });
  return { open, close, back: stepBack, add: incoming.add, limits: () => incoming.look().then(() => incoming.limits.textContent) };
}
