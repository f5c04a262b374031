// The source panel, and what links in the chat do. Runs once, as `js_on_load` of the panel's gr.HTML component:
// `element`, `props`, `watch`, `server` and `trigger` are Gradio's. Values are shapes of citewire.ui.render.
// Every text goes through textContent; nothing here makes HTML of a string.

const root = element.querySelector(".cw-panel-root");
const narrow = window.matchMedia("(max-width: 860px)");
const still = window.matchMedia("(prefers-reduced-motion: reduce)");
const turns = new Map(); // turn id -> panel value
const articles = new Map(); // path and marks -> {paragraphs} or {error}
let current = { turn: "", key: "" };
let returnTo = ""; // href of the chat link that Escape goes back to
let focusQuote = false; // move focus to the quote as soon as its article is there

const RELATIONS = {
  supports: "Quoted in the answer",
  partly: "Supports part of the sentence",
  conflicts: "Sources disagree here",
  found: "Found, being read",
  related: "Related, not used",
};

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== ""));
  return node;
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
const shownTurn = () => turns.get(current.turn);
const sourceOf = (turn, key) => turns.get(turn)?.sources.find((source) => source.key === key);
const chat = () => document.getElementById("cw-chat");
const column = () => document.getElementById("cw-right");

// ---- links in the chat: #cw-<action>-<turn>-<rest>

function parse(link) {
  const match = /^#cw-(cite|flag|copy|open|retry|example)-([a-z0-9]+)(?:-([A-Za-z0-9]+))?$/.exec(link?.getAttribute("href") || "");
  return match && { action: match[1], turn: match[2], key: match[3] || "" };
}

function linkAt(event) {
  return event.target.closest?.('#cw-chat a[href^="#cw-"]');
}

function describeLinks() {
  // Gradio's sanitiser strips aria attributes from chat messages, so they are put back after each re-render.
  for (const link of document.querySelectorAll('#cw-chat a[href^="#cw-"]')) {
    const { action, turn, key } = parse(link) || {};
    const set = (name, value) => link.getAttribute(name) !== value && link.setAttribute(name, value);
    if (action) set("role", action === "cite" ? "link" : "button");
    if (action === "cite") {
      const source = sourceOf(turn, key);
      const article = source && turns.get(turn).articles[source.article];
      if (article) set("aria-label", `Source ${source.label}: ${article.title}`);
      if (turn === current.turn && key === current.key) set("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (action === "flag") set("aria-label", `${link.textContent}: ${turns.get(turn)?.flags[key] || ""}`);
  }
}

// ---- the small box beside a link: the quote of a number, the reason of a flag, "Copied"

const tip = el("div", { class: "cw-tip", role: "tooltip", id: "cw-tip" });
const spoken = el("div", { class: "cw-spoken", role: "status" });
tip.hidden = true;
document.body.append(tip, spoken);

function showTip(link, below, ...content) {
  tip.replaceChildren(...content);
  tip.hidden = false;
  const at = link.getBoundingClientRect();
  const left = Math.min(innerWidth - tip.offsetWidth - 8, at.left + at.width / 2 - tip.offsetWidth / 2);
  const above = at.top - tip.offsetHeight - 8;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${above > 8 && !below ? above : at.bottom + 8}px`;
}

function preview(event) {
  const link = linkAt(event);
  const { action, turn, key } = parse(link) || {};
  const source = action === "cite" && sourceOf(turn, key);
  if (source && !narrow.matches) {
    const article = turns.get(turn).articles[source.article];
    showTip(link, false, el("small", {}, article.byline), el("b", {}, article.title), el("q", {}, source.quote));
  } else if (action === "flag" && turns.get(turn)?.flags[key]) {
    showTip(link, true, el("p", {}, turns.get(turn).flags[key]));
  } else {
    tip.hidden = true;
  }
}

async function copy(link, turn) {
  const text = turns.get(turn)?.copy || "";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without permission or https there is no clipboard API; a selected text area works everywhere.
    const area = el("textarea", { class: "cw-spoken" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    link.focus();
  }
  showTip(link, true, el("p", {}, "Copied"));
  spoken.textContent = "Copied";
}

document.addEventListener("click", (event) => {
  const link = linkAt(event);
  const { action, turn, key } = parse(link) || {};
  if (!action) return;
  event.preventDefault();
  if (action === "flag") return preview(event);
  tip.hidden = true;
  if (action === "cite") select(turn, key, link);
  if (action === "open") select(turn, turns.get(turn)?.sources[0]?.key, link);
  if (action === "copy") copy(link, turn);
  if (action === "retry") trigger("cw_retry", {});
  if (action === "example") trigger("cw_example", { index: Number(turn) });
});
document.addEventListener("mouseover", preview);
document.addEventListener("focusin", preview);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  tip.hidden = true;
  if (returnTo || column().classList.contains("cw-opened")) close();
});

// ---- choosing a source

function select(turn, key, link) {
  if (!sourceOf(turn, key)) return;
  current = { turn, key };
  if (link) returnTo = link.getAttribute("href");
  if (narrow.matches) {
    column().classList.add("cw-opened");
    document.body.classList.add("cw-sheet");
  }
  focusQuote = Boolean(link);
  draw();
  reveal();
}

function close() {
  column().classList.remove("cw-opened");
  document.body.classList.remove("cw-sheet");
  const link = [...document.querySelectorAll("#cw-chat a")].find((a) => a.getAttribute("href") === returnTo);
  returnTo = "";
  focusQuote = false;
  if (link) link.focus();
}

// ---- drawing

function numberButton(source, pressed) {
  return el("button", {
    type: "button",
    class: `cw-number cw-${source.relation}`,
    "data-key": source.key,
    "aria-pressed": String(pressed),
    "aria-label": `Show quote ${source.label}`,
    onclick: () => select(current.turn, source.key, null),
  }, source.label);
}

function articleRow(path, value) {
  const article = value.articles[path];
  const own = value.sources.filter((source) => source.article === path);
  const chosen = own.some((source) => source.key === current.key);
  const numbers = own.filter((source) => source.label);
  return el("li", { class: `cw-row${chosen ? " cw-on" : ""}` },
    numbers.length ? el("span", { class: "cw-numbers" }, numbers.map((source) => numberButton(source, source.key === current.key))) : null,
    el("button", {
      type: "button", class: "cw-row-title", "data-key": own[0].key, "aria-current": chosen ? "true" : null,
      onclick: () => select(current.turn, own[0].key, null),
    }, el("b", {}, article.title), el("small", {}, article.byline)),
    article.rank ? el("span", { class: "cw-strength", title: "Place of its best passage among those found" },
      el("span", { class: "cw-bar", "aria-hidden": "true" }, el("i", { style: `width:${Math.round(article.strength * 100)}%` })),
      el("small", {}, article.rank)) : null);
}

function segment([text, keys, begins], value) {
  if (!keys.length) return text;
  const on = keys.includes(current.key);
  const labels = begins.map((key) => value.sources.find((source) => source.key === key)?.label).filter(Boolean);
  const conflict = keys.some((key) => sourceOf(current.turn, key)?.relation === "conflicts");
  return el("mark", {
    class: `${on ? "cw-on" : ""}${conflict ? " cw-orange" : ""}`,
    tabindex: on ? "-1" : null,
    "data-label": labels.join(" ") || null, // drawn by ::before, so that a selection copies the quote alone
  }, text);
}

function reader(source, value) {
  const article = value.articles[source.article];
  const loaded = articles.get(cacheKey(source.article, value));
  const body = !loaded ? [el("p", { class: "cw-wait" }, "Opening the article")]
    : loaded.error ? [el("p", { class: "cw-wait" }, loaded.error)]
    : loaded.paragraphs.map((segments) => el("p", { dir: "auto" }, segments.map((one) => segment(one, value))));
  const byline = [article.author, article.outlet].filter(Boolean).join(", ");
  return el("article", { class: "cw-reader", tabindex: "-1", "aria-label": `Article: ${article.title}` },
    el("p", { class: `cw-relation cw-${source.relation}` },
      source.label ? el("span", { class: `cw-number cw-${source.relation}` }, source.label) : null,
      RELATIONS[source.relation]),
    el("h3", { dir: "auto" }, article.title),
    el("p", { class: "cw-byline" }, byline, byline ? ", " : "", el("span", { class: article.date ? null : "cw-unknown" }, article.date || "date unknown")),
    el("div", { class: "cw-body" }, body),
    /^https?:\/\//.test(article.url)
      ? el("p", { class: "cw-original" }, el("a", { href: article.url, target: "_blank", rel: "noopener noreferrer" }, "Open the original article"))
      : null);
}

function summary(value) {
  const numbered = value.sources.filter((source) => source.label);
  const places = new Set(value.sources.map((source) => source.article)).size;
  if (numbered.length) return `${count(numbered.length, "quote")} from ${count(places, "article")}`;
  return value.phase === "done" ? "Related, not used" : `${count(value.sources.length, "passage")} found`;
}

function emptyPanel(value) {
  if (value && value.phase !== "done") {
    return [el("div", { class: "cw-skeleton", "aria-hidden": "true" }, el("i"), el("i"), el("i"))];
  }
  const text = value?.failed ? "No sources, because the answer failed."
    : value ? "No passage was found."
    : "When an answer cites an article, the exact words are highlighted here.";
  return [el("div", { class: "cw-empty" },
    el("div", { class: "cw-picture", "aria-hidden": "true" }, el("i"), el("i"), el("b"), el("i")), el("p", {}, text))];
}

function draw() {
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const before = root.querySelector(".cw-reader");
  const place = before && { of: before.dataset.of, top: before.scrollTop };
  const value = shownTurn();
  const found = value?.sources || [];
  const parts = [el("header", { class: "cw-panel-head" },
    el("h2", { id: "cw-panel-title" }, "Sources"),
    found.length ? el("span", { class: "cw-summary" }, summary(value)) : null,
    el("button", { type: "button", class: "cw-close", onclick: close }, "Close"))];
  if (found.length) {
    const source = found.find((one) => one.key === current.key) || found[0];
    current.key = source.key;
    const article = reader(source, value);
    article.dataset.of = cacheKey(source.article, value);
    parts.push(el("p", { class: "cw-asked", dir: "auto", title: value.question }, value.question),
      el("ul", { class: "cw-rows" }, Object.keys(value.articles).map((path) => articleRow(path, value))), article);
    open(source.article, value);
  } else {
    parts.push(...emptyPanel(value));
  }
  root.replaceChildren(el("section", { class: "cw-panel", "aria-labelledby": "cw-panel-title" }, parts));
  const after = root.querySelector(".cw-reader");
  if (place && after && after.dataset.of === place.of) after.scrollTop = place.top;
  if (focused?.dataset.key) {
    const same = [...root.querySelectorAll("button")].find((b) => b.className === focused.className && b.dataset.key === focused.dataset.key);
    if (same) same.focus({ preventScroll: true });
  }
  describeLinks();
}

function marksOf(path, value) {
  return value.sources.filter((source) => source.article === path).map((source) => [source.key, source.start, source.end]);
}

function cacheKey(path, value) {
  return JSON.stringify([path, marksOf(path, value)]);
}

async function open(path, value) {
  const key = cacheKey(path, value);
  if (articles.has(key)) return;
  articles.set(key, null); // asked for
  try {
    articles.set(key, await server.read_article({ path, marks: marksOf(path, value) }));
  } catch {
    articles.set(key, { error: "The article could not be opened. Is citewire still running?" });
  }
  draw();
  reveal();
}

function reveal() {
  const article = root.querySelector(".cw-reader");
  const quote = article?.querySelector("mark.cw-on");
  if (!quote) return;
  const from = quote.getBoundingClientRect().top - article.getBoundingClientRect().top;
  article.scrollBy({ top: from - article.clientHeight / 3, behavior: still.matches || !focusQuote ? "auto" : "smooth" });
  const row = root.querySelector(".cw-row.cw-on");
  const rows = root.querySelector(".cw-rows");
  rows.scrollTop = Math.min(rows.scrollTop, row.offsetTop - rows.offsetTop);
  rows.scrollTop = Math.max(rows.scrollTop, row.offsetTop - rows.offsetTop + row.offsetHeight - rows.clientHeight);
  if (!focusQuote) return;
  focusQuote = false;
  quote.classList.add("cw-flash");
  quote.focus({ preventScroll: true });
}

function take() {
  const value = props.value || {};
  document.body.dataset.cwPhase = value.phase || "empty";
  if (!value.turn) {
    turns.clear();
    current = { turn: "", key: "" };
  } else {
    const fresh = !turns.has(value.turn);
    const unnumbered = !turns.get(value.turn)?.sources.some((source) => source.label);
    turns.set(value.turn, value);
    if (fresh) current = { turn: value.turn, key: "" };
    // Once numbers come, they take the place of the passages found.
    if (current.turn === value.turn && unnumbered) current.key = value.sources[0]?.key || "";
  }
  draw();
  reveal();
}

watch("value", take);
take();
const waitForChat = setInterval(() => {
  if (!chat()) return;
  clearInterval(waitForChat);
  new MutationObserver(describeLinks).observe(chat(), { childList: true, subtree: true });
  describeLinks();
}, 100);
