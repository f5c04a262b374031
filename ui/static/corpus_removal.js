// Removal of articles: a dialog first says what will be removed and asks for confirmation.
//
//     createRemoval({ chosen, tell, cover, onRemoved, onKept, onEnd }) -> { dialog, ask(), isOpen(), keep(), hide() }
//
// `ask` concerns the `chosen` articles, path -> title. `cover(on)` makes the rest of the view inert. `onRemoved(paths)` is
// called with the removed paths, then `onEnd`; `onKept(node)` with the earlier focus, if nothing is removed.
// It sends requests of citewire.ui.corpus_routes.

import { asked, count, el } from "./dom.js";
import { plainButton, quoted } from "./requests.js";

export function createRemoval({ chosen, tell, cover, onRemoved, onKept, onEnd }) {
  let before = null; // the element that had the focus
  const dialog = el("div", { class: "cw-sure", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "cw-sure-title", hidden: true });

  async function ask() {
    before = document.activeElement;
    const paths = [...chosen.keys()];
    try {
      show(paths, await asked("POST", "/corpus/removal", { paths }));
    } catch (error) {
      tell(error.message);
    }
  }

  function show(paths, going) {
    const title = going.articles.length === 1 ? `Remove ${quoted(chosen.get(going.articles[0]) || going.articles[0])}?` : `Remove ${count(going.articles.length, "article")}?`;
    const yes = el("button", { type: "button", class: "cw-main-button cw-danger-fill", onclick: () => remove(paths, yes) }, "Remove");
    const no = plainButton("Keep", keep);
    dialog.replaceChildren(el("div", { class: "cw-sure-box" }, el("h3", { id: "cw-sure-title", dir: "auto" }, title),
      consequences(paths, going).map((line) => el("p", {}, line)), el("div", { class: "cw-sure-buttons" }, no, yes)));
    dialog.hidden = false;
    cover(true);
    no.focus();
  }

  function consequences(paths, { articles, files, staying }) {
    const along = articles.length - paths.length;
    return [
      along > 0 ? `${count(along, "article")} more came in the same ${files.length === 1 ? "file" : "files"} and ${along === 1 ? "goes" : "go"} too.` : "",
      files.length ? `${count(files.length, "uploaded file")} will be deleted: ${files.slice(0, 3).join(", ")}${files.length > 3 ? " ..." : ""}.` : "",
      staying ? `${staying === 1 ? "The file" : "The files"} of ${count(staying, "article")} in your own folder stay${staying === 1 ? "s" : ""} there: indexing that folder again brings ${staying === 1 ? "it" : "them"} back.` : "",
      "Answers that quote what is removed keep their text, but the article can no longer be opened.",
    ].filter(Boolean);
  }

  async function remove(paths, button) {
    button.disabled = true;
    button.textContent = "Removing";
    let problem = "";
    try {
      const gone = await asked("POST", "/corpus/removal", { paths, sure: true });
      onRemoved(gone.articles);
    } catch (error) {
      problem = error.message;
    }
    hide();
    await onEnd();
    if (problem) tell(problem);
  }

  function keep() {
    hide();
    onKept(before);
  }

  function hide() {
    dialog.hidden = true;
    cover(false);
  }

  return { dialog, ask, keep, hide, isOpen: () => !dialog.hidden };
}
