// The fields for a pasted article, or its web address where these are fetched, and the button that shows them.
//
//     createPaste({ add, addAddress, web }) -> { button, fields }

import { el } from "./dom.js";
import { plainButton } from "./requests.js";

const ADDRESS = /^https?:\/\/\S+$/i; // only an address

export function createPaste({ add, addAddress, web }) {
  const title = el("input", { class: "cw-field", "aria-label": "Title of the text", placeholder: "Title, if it is not the first line", maxlength: "300" });
  const text = el("textarea", { class: "cw-field", rows: "5" });
  const fields = el("div", { class: "cw-paste", role: "group", "aria-label": "Paste text", hidden: true }, title, text, el("div", { class: "cw-sure-buttons" },
    plainButton("Cancel", toggle), el("button", { type: "button", class: "cw-main-button", onclick: take }, "Add as an article")));
  const button = plainButton("Paste text", toggle);

  function toggle() {
    fields.hidden = !fields.hidden;
    text.setAttribute("aria-label", web() ? "Text of the article or its web address" : "Text of the article");
    text.placeholder = web() ? "The text of the article, or its address: https://..." : "The text of the article";
    (fields.hidden ? button : title).focus();
  }

  function take() {
    const pasted = { title: title.value.trim(), text: text.value.trim() };
    const address = pasted.text || pasted.title; // people also paste it into the first field
    if (ADDRESS.test(address)) addAddress(address);
    else if (pasted.text) add([fileOf(pasted)]);
    else return text.focus();
    title.value = text.value = "";
    return toggle();
  }

  return { button, fields };
}

// A record of its own format: the text stays as pasted, and gets a title.
function fileOf(pasted) {
  const name = (pasted.title || pasted.text.split("\n")[0]).replace(/[/\\:*?"<>|.\s]+/g, " ").trim().slice(0, 60) || "Pasted text";
  return new File([JSON.stringify(pasted)], `${name}.jsonl`);
}
