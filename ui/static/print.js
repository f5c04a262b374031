// Prints what is visible: the drawer, the open article or the articles over the page, else the whole conversation, each answer with its
// quotes, else the start page. Only a part of the page itself would be printed, because it scrolls. So a copy is made
// for the printer and removed afterwards. print.css styles it.

import { el } from "./dom.js";
import { OVER } from "./views.js";

const TURN = /^#cw-[a-z]+-([a-z0-9]+)/;
const FOR_SCREENS = "input, select, textarea, button:not(:has(b), .cw-link), label:has(input:not(:checked)), .cw-actions, .cw-suggestions, .cw-busy, .cw-notes-exports, .cw-articles-tools, .cw-limits";

// turns: turn id -> panel value, as in panel.js.
export function preparePrint(turns) {
  let copy = null;
  const remove = () => {
    copy?.remove();
    copy = null;
  };

  function quotes({ sources, articles }) {
    const numbered = sources.filter((source) => source.label);
    return el("ol", {}, numbered.map((source) => {
      const { title, byline, url } = articles[source.article];
      return el("li", {}, el("b", {}, `[${source.label}] `), el("q", {}, source.quote),
        el("small", {}, [title, byline, source.page, url].filter(Boolean).join(", ")));
    }));
  }

  // A copy of a part without controls; a title that opens something becomes text.
  function seen(part) {
    const own = part.cloneNode(true);
    const copies = [...own.querySelectorAll("*")];
    [...part.querySelectorAll("*")].forEach((one, i) => {
      if (!one.checkVisibility() || one.matches(FOR_SCREENS)) copies[i].remove();
      else if (one.matches("button")) copies[i].replaceWith(el("div", {}, [...copies[i].childNodes]));
    });
    return own;
  }

  function exchange(part) {
    const own = seen(part);
    const turn = turns.get(TURN.exec(part.querySelector('a[href^="#cw-"]')?.getAttribute("href"))?.[1]);
    if (turn) own.append(quotes(turn));
    return own;
  }

  const all = (parts) => [...document.querySelectorAll(parts)];

  function prepare() {
    remove();
    const opened = all(OVER).at(-1);
    const over = opened?.querySelector(".cw-article-reader:has(h3)") || opened;
    const told = all("#cw-chat .cw-question, #cw-chat .cw-answer");
    const parts = over ? [...seen(over).childNodes] : (told.length ? told : all("#cw-chat .cw-welcome, #cw-chat .cw-note")).map(exchange);
    copy = el("section", { class: "cw-print", "aria-hidden": "true" }, el("h1", {}, "citewire"), parts);
    document.body.append(copy);
  }

  window.addEventListener("beforeprint", prepare);
  window.addEventListener("afterprint", remove);
}
