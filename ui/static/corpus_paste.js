// A text that is pasted as an article: the fields, and the button that shows them.
//
//     createPaste({ add }) -> { button, fields }

import { el } from "./dom.js";
import { plainButton } from "./requests.js";

export function createPaste({ add }) {
  const title = el("input", { class: "cw-field", "aria-label": "Title of the text", placeholder: "Title", maxlength: "300" });
  const text = el("textarea", { class: "cw-field", "aria-label": "Text of the article", placeholder: "The text of the article", rows: "5" });
  const fields = el("div", { class: "cw-paste", role: "group", "aria-label": "Paste text", hidden: true }, title, text, el("div", { class: "cw-sure-buttons" },
    plainButton("Cancel", toggle), el("button", { type: "button", class: "cw-main-button", onclick: take }, "Add as an article")));
  const button = plainButton("Paste text", toggle);

  function toggle() {
    fields.hidden = !fields.hidden;
    (fields.hidden ? button : title).focus();
  }

  // A record of its own format: the text stays as it was pasted, and has a title.
  function take() {
    const pasted = { title: title.value.trim(), text: text.value.trim() };
    if (!pasted.text) return text.focus();
    const name = pasted.title.replace(/[/\\:*?"<>|.\s]+/g, " ").trim().slice(0, 60) || "Pasted text";
    add([new File([JSON.stringify(pasted)], `${name}.jsonl`)]);
    title.value = text.value = "";
    toggle();
  }

  return { button, fields };
}
