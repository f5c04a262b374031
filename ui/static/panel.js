// The source panel: rows of articles with their numbers, and the reader with every quote marked. On a phone it is a
// sheet over the chat. Values have the shapes of citewire.ui.render; links.js leads here from the chat.

import { count, el, narrow, still } from "./dom.js";

const FIND_FROM = 3; // fewest articles in the list for a search field

const RELATIONS = {
  supports: "Quoted in the answer",
  partly: "Supports part of the sentence",
  conflicts: "Sources disagree here",
  found: "Found, being read",
  stopped: "Found before it was stopped",
  related: "Near to the question, but no answer to it",
};

// turns: turn id -> panel value. readArticle({path, marks}) resolves to {paragraphs} or {error}; a
// mark is [key, start, end, quote]. rate(turn, key, value)
// rates a quote. onScope(paths) restricts the next question to the ticked articles; without ticks all are asked.
// onSheet(open) is told when the sheet opens or closes. onDrawn() runs after each drawing.
// notes: {size, pinned(turn, key), pin(turn, key), open(from)}.
export function createPanel({ root, turns, readArticle, rate, notes, onScope, onSheet, onDrawn }) {
  const articles = new Map(); // path and marks -> {paragraphs} or {error}, null while loading
  const column = document.getElementById("cw-right");
  // claim: position of the chosen sentence, "" for none; beside: the other quotes of that sentence
  let current = { turn: "", key: "", claim: "", beside: [] };
  let back = null; // returns the link that Escape goes back to
  let scope = new Set(); // paths of the ticked articles
  let focusQuote = false; // move the focus to the quote when its article has loaded

  // One box for all drawings, so that it keeps its caret.
  const finder = el("input", { type: "search", class: "cw-find", "data-key": "find", "aria-label": "Search these sources", placeholder: "Search these sources" });
  finder.addEventListener("input", () => draw());

  const shownTurn = () => turns.get(current.turn);
  const opened = () => column.classList.contains("cw-opened");

  // ---- choosing a source

  // from: returns the link in the chat to go back to; null for a choice inside the panel.
  function select(turn, key, { from = null, focus = true, claim = "" } = {}) {
    if (!turns.get(turn)?.sources.some((source) => source.key === key)) return;
    const keys = turns.get(turn).claims[claim]?.keys || [];
    if (turn !== current.turn || from) finder.value = "";
    current = { turn, key, claim, beside: keys.filter((other) => other !== key) };
    if (from) {
      back = from;
      if (narrow.matches) {
        setOpened(true);
        keepAbove(from());
      }
    }
    focusQuote = Boolean(from) && focus;
    draw();
    reveal();
  }

  function setOpened(open) {
    column.classList.toggle("cw-opened", open);
    document.body.classList.toggle("cw-sheet", open);
    for (const id of ["cw-left", "cw-head"]) document.getElementById(id).inert = open;
    onSheet(open);
  }

  // The sentence of the chosen quote stays in view above the sheet; of a long sentence, its beginning.
  function keepAbove(link) {
    const frame = link?.closest(".bubble-wrap");
    const sentence = link?.closest(".cw-claim") || link;
    if (!frame) return;
    const { top, bottom } = sentence.getBoundingClientRect();
    const hidden = bottom + 12 - (innerHeight - column.offsetHeight);
    frame.scrollTop += Math.max(0, Math.min(hidden, top - frame.getBoundingClientRect().top - 8));
  }

  function close() {
    setOpened(false);
    const link = back?.();
    back = null;
    focusQuote = false;
    draw();
    if (link) link.focus();
  }

  narrow.addEventListener("change", () => opened() && close());
  // Who goes to the box or to another link while the article loads stays there.
  document.addEventListener("focusin", (event) => { if (!column.contains(event.target)) focusQuote = false; });
  document.addEventListener("click", (event) => {
    if (opened() && !event.composedPath().includes(column) && !event.defaultPrevented) close();
  });

  // ---- drawing

  function numberButton(source) {
    return el("button", {
      type: "button",
      class: `cw-number cw-${source.relation}`,
      "data-key": source.key,
      "aria-pressed": String(source.key === current.key),
      "aria-label": `Show quote ${source.label}`,
      onclick: () => select(current.turn, source.key),
    }, source.label);
  }

  function articleRow(path, value) {
    const article = value.articles[path];
    const own = sourcesOf(path, value);
    const chosen = own.some((source) => source.key === current.key);
    const numbers = own.filter((source) => source.label);
    const named = `Ask only this article next: ${[article.title, article.place].filter(Boolean).join(", ")}`;
    return el("li", { class: `cw-row${chosen ? " cw-on" : ""}` },
      el("label", { class: "cw-tick", title: "Ask only ticked articles next" }, el("input", {
        type: "checkbox", "data-key": `tick-${path}`, "aria-label": named, checked: scope.has(path), onclick: () => tick(path),
      })),
      numbers.length ? el("span", { class: "cw-numbers" }, numbers.map(numberButton)) : null,
      el("button", {
        type: "button", class: "cw-row-title", "data-key": own[0].key, "aria-current": chosen ? "true" : null,
        onclick: () => select(current.turn, own[0].key),
      }, el("b", {}, article.title), el("small", {}, article.byline)),
      article.rank ? el("span", { class: "cw-strength", title: "Place of its best passage among those found" },
        el("span", { class: "cw-bar", "aria-hidden": "true" }, el("i", { style: `width:${Math.round(article.strength * 100)}%` })),
        el("small", {}, article.rank)) : null);
  }

  const sourcesOf = (path, value) => value.sources.filter((source) => source.article === path);

  // The paths of the rows with all searched words in title, outlet, date or one of their quotes.
  function listed(value) {
    const words = finder.value.trim().toLowerCase().split(/\s+/);
    return Object.keys(value.articles).filter((path) => {
      const { title, byline } = value.articles[path];
      const held = [title, byline, ...sourcesOf(path, value).map((source) => source.quote)].join(" ").toLowerCase();
      return words.every((word) => held.includes(word));
    });
  }

  function rows(value) {
    const paths = listed(value);
    return el("ul", { class: "cw-rows", tabindex: "0", "aria-label": "Articles" },
      paths.length ? paths.map((path) => articleRow(path, value)) : el("li", { class: "cw-none" }, "No source holds these words."));
  }

  function tick(path) {
    if (!scope.delete(path)) scope.add(path);
    onScope([...scope]);
  }

  // Shows the current filters, whatever changed them.
  function setScope(paths) {
    if (paths.length === scope.size && paths.every((path) => scope.has(path))) return;
    scope = new Set(paths);
    draw();
  }

  function segment([text, keys, begins], value) {
    if (!keys.length) return text;
    const on = keys.includes(current.key);
    const beside = !on && keys.some((key) => current.beside.includes(key));
    const sources = keys.map((key) => value.sources.find((source) => source.key === key));
    const labels = begins.map((key) => value.sources.find((source) => source.key === key)?.label).filter(Boolean);
    return el("mark", {
      class: [on && "cw-on", beside && "cw-beside", sources.some((s) => s?.relation === "conflicts") && "cw-orange", !sources.some((s) => s?.label) && "cw-near"].filter(Boolean).join(" "),
      tabindex: on ? "-1" : null,
      "data-label": labels.join(" ") || null, // drawn by ::before, so that a copied selection has only the quote
    }, text);
  }

  // The chosen sentence, or the first one with this source.
  function claimOf(source, value) {
    const chosen = value.claims[current.claim];
    if (chosen?.keys.includes(source.key)) return chosen;
    return Object.values(value.claims).find((claim) => claim.keys.includes(source.key));
  }

  function relation(source, value) {
    const { words, answers } = claimOf(source, value) || {};
    const told = RELATIONS[source.relation === "found" && value.stopped ? "stopped" : source.relation];
    const rated = value.ratings[source.label] === "mismatch";
    return el("div", { class: `cw-relation cw-${source.relation}` },
      source.label ? el("span", { class: `cw-number cw-${source.relation}` }, source.label) : null,
      el("span", { class: "cw-told" }, told,
        words ? el("small", {}, words) : null, answers ? el("small", { class: "cw-answers" }, answers) : null),
      source.label ? el("button", {
        type: "button", class: "cw-pin", "data-key": `pin-${source.key}`, "aria-pressed": String(notes.pinned(current.turn, source.key)),
        title: "Keep this quote among the notes", onclick: () => notes.pin(current.turn, source.key),
      }, "Pin") : null,
      value.kept && value.phase === "done" && !value.failed && /^\d+$/.test(source.label) ? el("button", {
        type: "button", class: "cw-mismatch", "data-key": `mismatch-${source.key}`, "aria-pressed": String(rated),
        title: "Tell that this quote does not say what it is cited for",
        onclick: () => rate(current.turn, source.label, "mismatch"),
      }, rated ? "Noted: does not match" : "Does not match") : null);
  }

  function reader(source, value) {
    const article = value.articles[source.article];
    const loaded = articles.get(cacheKey(source.article, value));
    const body = !loaded ? [el("p", { class: "cw-wait" }, "Opening the article")]
      : loaded.error ? [el("p", { class: "cw-wait" }, loaded.error), el("p", { dir: "auto" }, segment([source.quote, [source.key], [source.key]], value))]
      : loaded.paragraphs.map((segments) => el("p", { dir: "auto" }, segments.map((one) => segment(one, value))));
    const byline = [article.author, article.outlet].filter(Boolean).join(", ");
    return el("article", { class: "cw-reader", tabindex: "0", "aria-label": `Article: ${article.title}` },
      relation(source, value),
      el("h3", { dir: "auto" }, article.title),
      el("p", { class: "cw-byline" }, byline, byline ? ", " : "", el("span", { class: article.date ? null : "cw-unknown" }, article.date || "date unknown"), article.place ? `, ${article.place}` : "", source.page ? `, ${source.page}` : ""),
      el("div", { class: "cw-body" }, body),
      /^https?:\/\//.test(source.link)
        ? el("p", { class: "cw-original" }, el("a", { href: source.link, target: "_blank", rel: "noopener noreferrer" }, "Open the original article at this quote"))
        : null);
  }

  function summary(value) {
    const numbered = value.sources.filter((source) => source.label);
    const places = new Set(value.sources.map((source) => source.article)).size;
    if (numbered.length) return `${count(numbered.length, "quote")} from ${count(places, "article")}`;
    return value.phase === "done" && !value.stopped ? "No answer in them" : `${count(value.sources.length, "passage")} found`;
  }

  function emptyPanel(value) {
    if (value && value.phase !== "done") {
      return [el("div", { class: "cw-skeleton", "aria-hidden": "true" }, el("i"), el("i"), el("i"))];
    }
    const unsearched = value && ["talk", "not_for_it"].includes(value.kind);
    const text = value?.failed ? "No sources, because the answer failed."
      : value?.stopped ? "It was stopped before any passage was found."
      : value && !unsearched ? "No passage was found."
      : "When an answer cites an article, the exact words are highlighted here.";
    return [el("div", { class: "cw-empty" },
      el("div", { class: "cw-picture", "aria-hidden": "true" }, el("i"), el("i"), el("b"), el("i")), el("p", {}, text))];
  }

  function draw() {
    const focused = root.contains(document.activeElement) ? document.activeElement : null;
    const inReader = focused?.matches(".cw-reader, mark");
    const before = root.querySelector(".cw-reader");
    const place = before && { of: before.dataset.of, top: before.scrollTop };
    const value = shownTurn();
    const found = value?.sources || [];
    const parts = [el("header", { class: "cw-panel-head" },
      el("h2", { id: "cw-panel-title" }, found.some((source) => source.relation === "related") ? "Nearest passages" : "Sources"),
      found.length ? el("span", { class: "cw-summary" }, summary(value)) : null,
      el("button", {
        type: "button", class: "cw-note-count", "data-key": "notes", onclick: () => notes.open(() => root.querySelector(".cw-note-count")),
      }, notes.size ? `Notes (${notes.size})` : "Notes"),
      el("button", { type: "button", class: "cw-close", onclick: close }, "Close"))];
    if (found.length) {
      const source = found.find((one) => one.key === current.key) || found[0];
      current.key = source.key;
      const article = reader(source, value);
      article.dataset.of = cacheKey(source.article, value);
      parts.push(el("p", { class: "cw-asked", dir: "auto", title: value.question }, value.question),
        Object.keys(value.articles).length >= FIND_FROM ? finder : "", rows(value),
        el("p", { class: "cw-scope" }, "Tick articles to ask only them next."), article);
      load(source.article, value);
    } else {
      parts.push(...emptyPanel(value));
    }
    root.replaceChildren(el("section", {
      class: "cw-panel", "aria-labelledby": "cw-panel-title", role: opened() ? "dialog" : null, "aria-modal": opened() ? "true" : null,
    }, parts));
    const after = root.querySelector(".cw-reader");
    if (place && after && after.dataset.of === place.of) after.scrollTop = place.top;
    if (focused?.dataset.key) {
      [...root.querySelectorAll("button, input")].find((b) => b.dataset.key === focused.dataset.key && b.className === focused.className)?.focus({ preventScroll: true });
    } else if (inReader && !focusQuote) {
      (root.querySelector("mark.cw-on") || after)?.focus({ preventScroll: true });
    }
    onDrawn();
  }

  function marksOf(path, value) {
    return value.sources.filter((source) => source.article === path).map((source) => [source.key, source.start, source.end, source.quote]);
  }

  function cacheKey(path, value) {
    return JSON.stringify([path, marksOf(path, value)]);
  }

  async function load(path, value) {
    const key = cacheKey(path, value);
    if (articles.has(key)) return;
    articles.set(key, null);
    try {
      articles.set(key, await readArticle({ path, marks: marksOf(path, value) }));
    } catch {
      articles.set(key, { error: "The article could not be opened. Is citewire still running?" });
    }
    draw();
    reveal();
    if (articles.get(key).error) articles.delete(key); // try again next time
  }

  function reveal() {
    const article = root.querySelector(".cw-reader");
    const quote = article?.querySelector("mark.cw-on");
    if (!quote) return;
    const frame = article.scrollHeight > article.clientHeight ? article : root.querySelector(".cw-panel"); // a low window scrolls as a whole
    const at = quote.getBoundingClientRect();
    const from = at.top - frame.getBoundingClientRect().top + frame.scrollTop;
    const fits = from + at.height < frame.clientHeight - 8; // below the headline
    frame.scrollTo({ top: fits ? 0 : from - frame.clientHeight / 3, behavior: still.matches || !focusQuote ? "auto" : "smooth" });
    const row = root.querySelector(".cw-row.cw-on");
    const list = root.querySelector(".cw-rows");
    if (row) {
      list.scrollTop = Math.min(list.scrollTop, row.offsetTop - list.offsetTop);
      list.scrollTop = Math.max(list.scrollTop, row.offsetTop - list.offsetTop + row.offsetHeight - list.clientHeight);
    }
    if (!focusQuote) return;
    focusQuote = false;
    quote.classList.add("cw-flash");
    quote.focus({ preventScroll: true });
  }

  // Shows the newest exchange as it is now, unless an earlier one was chosen; null for an empty conversation.
  function take(value) {
    if (!value) {
      if (!turns.has(current.turn)) current = { turn: "", key: "", claim: "", beside: [] };
    } else if (value.turn !== current.turn && value.fresh) {
      current = { turn: value.turn, key: "", claim: "", beside: [] };
      finder.value = "";
    } else if (value.turn === current.turn && value.numbersCame) {
      current.key = value.sources[0]?.key || ""; // citation numbers replace the passages found
    }
    draw();
    reveal();
  }

  return {
    select, close, draw, take, setScope,
    get current() { return current; },
    isSheet: opened,
    get leavable() { return Boolean(back) || opened(); },
    forget() { articles.clear(); },
  };
}
