// The scope of questions: only the chosen or found articles, or all of them.
//
//     createScope({ list, filters, chosen, heading, tell, inForce, onFilter, onAsked, onRemove })
//         -> { actions, line, draw(), drawActions(), askOnly(path), leaveOut(paths), removeButton() }
//
// `chosen` are the ticked articles, path -> title; `inForce()` the current filters of the chat; `onFilter` gets new
// filters, then `onAsked` is called. `onRemove` removes the chosen articles, null if the visitor may not.

import { count, el, number } from "./dom.js";
import { plainButton, redraw } from "./requests.js";

const MOST_NAMED = 200; // most articles of a search that can become the scope by name
export const allArticles = () => ({ from: "", to: "", outlets: [], articles: [] });

export function createScope({ list, filters, chosen, heading, tell, inForce, onFilter, onAsked, onRemove }) {
  const actions = el("div", { class: "cw-article-actions" });
  const line = el("div", { class: "cw-in-force", hidden: true });

  function draw() {
    drawActions();
    drawLine();
  }

  function drawActions() {
    const some = chosen.size;
    const { words, from, to, outlets } = filters.value();
    const these = some || (words || from || to || outlets.length ? list.found().found : 0);
    const parts = [];
    if (some) {
      parts.push(el("span", { class: "cw-chosen" }, `${count(some, "article")} chosen`), plainButton("Choose none", () => { chosen.clear(); list.draw(); }));
      if (onRemove) parts.push(el("button", { type: "button", class: "cw-plain cw-danger", onclick: onRemove }, "Remove"));
    }
    if (these) {
      const off = !some && Boolean(words) && these > MOST_NAMED;
      parts.push(el("button", { type: "button", class: "cw-main-button", disabled: off, title: off ? `Choose articles, or search for fewer than ${MOST_NAMED}` : null, onclick: () => ask().catch((error) => tell(error.message)) }, these === 1 ? "Ask only this one" : `Ask only these ${number(these)}`));
    } else {
      parts.push(el("span", { class: "cw-chosen" }, "Choose articles, dates or outlets to ask only these."));
    }
    redraw(actions, parts, heading);
  }

  async function ask() {
    const { words, from, to, outlets } = filters.value();
    if (chosen.size) onFilter({ ...allArticles(), articles: [...chosen.keys()] });
    else onFilter({ from, to, outlets: [...outlets], articles: words ? await list.paths(MOST_NAMED) : [] });
    onAsked();
  }

  function askOnly(path) {
    onFilter({ ...allArticles(), articles: [path] });
    onAsked();
  }

  function drawLine() {
    const { from, to, outlets, articles } = inForce();
    const parts = [];
    if (articles.length) parts.push(count(articles.length, "article"));
    if (outlets.length) parts.push(outlets.join(", "));
    if (from || to) parts.push([from && `from ${from}`, to && `to ${to}`].filter(Boolean).join(" "));
    line.hidden = !parts.length;
    line.replaceChildren(el("span", {}, `The chat asks only: ${parts.join("; ")}`), plainButton("Ask all articles", () => {
      onFilter(allArticles());
      chosen.clear();
      list.draw();
      heading.focus();
    }));
  }

  // Removed articles cannot be asked.
  function leaveOut(paths) {
    const now = inForce();
    if (!now.articles.some((path) => paths.includes(path))) return;
    onFilter({ ...now, outlets: [...now.outlets], articles: now.articles.filter((path) => !paths.includes(path)) });
  }

  return { actions, line, draw, drawActions, askOnly, leaveOut, removeButton: () => actions.querySelector(".cw-danger") };
}
