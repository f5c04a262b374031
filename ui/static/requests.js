// Shared by the parts of the Articles view.

import { count, el, number } from "./dom.js";

export function on(node, handlers) {
  for (const [event, handler] of Object.entries(handlers)) node.addEventListener(event, handler);
  return node;
}

export const plainButton = (text, onclick) => el("button", { type: "button", class: "cw-plain", onclick }, text);

// A title made of the opening words already has quotation marks.
export const quoted = (title) => (title.startsWith("“") ? title : `“${title}”`);

// Replaces parts by new ones; the focus stays on the button with the same name, if there still is one.
export function redraw(place, parts, otherwise) {
  const focused = place.contains(document.activeElement) ? document.activeElement.textContent : null;
  place.replaceChildren(...parts);
  if (focused === null) return;
  const buttons = [...place.querySelectorAll("button:not(:disabled)")];
  (buttons.find((button) => button.textContent === focused) || buttons[0] || otherwise).focus();
}

// The description of an article in a row of the list and in the reader.
export const facts = (row) => [row.outlet, row.date || "date unknown", row.place, count(row.words, "word")].filter(Boolean).join(", ");
export const badges = (row) => [
  row.copies ? el("span", { class: "cw-badge", title: "Other articles tell the same story in nearly the same words" }, row.copies === 1 ? "1 copy" : `${number(row.copies)} copies`) : null,
  row.uploaded ? el("span", { class: "cw-badge cw-badge-added", title: "Added on this page" }, "added here") : null,
];
