// What is printed of the page: the whole conversation, each answer with its quotes. The page itself shows one of them at a
// time and scrolls, so a copy is made for the printer and taken away again. Its look is print.css.

import { el } from "./dom.js";

const TURN = /^#cw-[a-z]+-(t\d+)/;

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

  function prepare() {
    remove();
    const parts = [...document.querySelectorAll("#cw-chat .cw-question, #cw-chat .cw-answer")].map((part) => {
      const own = part.cloneNode(true);
      const turn = turns.get(TURN.exec(own.querySelector('a[href^="#cw-"]')?.getAttribute("href"))?.[1]);
      for (const gone of own.querySelectorAll(".cw-actions, .cw-suggestions, .cw-busy")) gone.remove();
      if (turn) own.append(quotes(turn));
      return own;
    });
    if (!parts.length) return;
    copy = el("section", { class: "cw-print", "aria-hidden": "true" }, el("h1", {}, "citewire"), parts);
    document.body.append(copy);
  }

  window.addEventListener("beforeprint", prepare);
  window.addEventListener("afterprint", remove);
}
