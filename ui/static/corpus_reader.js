// One article beside the list; it loads further parts while the reader scrolls.
//
//     createReader({ onOpened, onClosed, onAsk, onRemove, tell }) -> { node, path(), read(path), close(), back() }
//
// `onOpened(path)` is called when an article is opened, `onClosed(path)` when the reader goes `back` to the list.
// `onAsk(path)` restricts questions to it; `onRemove(row)` removes it, null if the visitor may not.

import { asked, count, el } from "./dom.js";
import { badges, facts, plainButton } from "./requests.js";

export function createReader({ onOpened, onClosed, onAsk, onRemove, tell }) {
  let reading = ""; // path of the open article
  const node = el("article", { class: "cw-article-reader", tabindex: "-1", "aria-label": "Article" });
  const backButton = () => el("button", { type: "button", class: "cw-plain cw-back", onclick: back }, "Back to the list");

  async function read(path) {
    reading = path;
    onOpened(path);
    node.replaceChildren(el("p", { class: "cw-none" }, "Opening the article"));
    node.scrollTop = 0;
    try {
      const found = await asked("GET", `/corpus/article?${new URLSearchParams({ path })}`);
      if (reading !== path) return;
      show(found);
    } catch (error) {
      if (reading === path) node.replaceChildren(backButton(), el("p", { class: "cw-articles-problem" }, error.message));
    }
    if (reading === path) node.focus({ preventScroll: true });
  }

  function show({ row, url, characters, end, paragraphs, copies }) {
    const byline = [row.author, row.outlet].filter(Boolean).join(", ");
    const text = el("div", { class: "cw-article-text" }, paragraphs.map((words) => el("p", { dir: "auto" }, words)));
    node.setAttribute("aria-label", `Article: ${row.title}`);
    node.replaceChildren(...[backButton(),
      el("h3", { dir: "auto" }, row.title),
      el("p", { class: "cw-facts", dir: "auto" }, [byline, row.date || "date unknown", count(row.words, "word")].filter(Boolean).join(", "), " ", badges(row)),
      el("p", { class: "cw-path" }, row.path),
      copies.length ? copiesOf(copies) : null,
      text,
      /^https?:\/\//.test(url) ? el("p", {}, el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, "Open the original article")) : null,
      el("div", { class: "cw-article-actions" },
        plainButton("Ask only this one", () => onAsk(row.path)),
        onRemove && el("button", { type: "button", class: "cw-plain cw-danger", onclick: () => onRemove(row) }, "Remove"))].filter(Boolean));
    if (end < characters) text.append(more(row.path, end, characters));
  }

  function copiesOf(copies) {
    return el("div", { class: "cw-copies" }, el("h4", {}, "Told in nearly the same words by"),
      el("ul", {}, copies.map((copy) => el("li", {}, el("button", { type: "button", class: "cw-link", onclick: () => read(copy.path) }, copy.title), el("small", {}, ` ${facts(copy)}`)))));
  }

  function more(path, start, characters) {
    const left = Math.round((100 * (characters - start)) / characters);
    const button = el("button", { type: "button", class: "cw-plain", onclick: async () => {
      button.disabled = true;
      try {
        const found = await asked("GET", `/corpus/article?${new URLSearchParams({ path, start })}`);
        if (reading !== path) return;
        const added = found.paragraphs.map((words) => el("p", { dir: "auto", tabindex: "-1" }, words));
        button.replaceWith(...added, ...(found.end < characters ? [more(path, found.end, characters)] : []));
        added[0]?.focus({ preventScroll: true });
      } catch (error) {
        button.disabled = false;
        tell(error.message);
      }
    } }, `Show more (${left}% left)`);
    return button;
  }

  function close() {
    reading = "";
    onOpened("");
    node.setAttribute("aria-label", "Article");
    node.replaceChildren(el("p", { class: "cw-none" }, "Open an article to read it here."));
  }

  function back() {
    const path = reading;
    close();
    onClosed(path);
  }

  return { node, read, close, back, path: () => reading };
}
