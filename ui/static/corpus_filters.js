// The filters of the article list (words, days, outlets) and its order.
//
//     createFilters({ onChange }) -> { parts, search, value(), order(), take(filter), draw(listing), fold() }
//
// `value()` is {words, from, to, outlets}; `take` sets days and outlets from outside; `fold` closes the menu of
// outlets and returns whether it was open. `onChange` is called when the filters or the order change.

import { el, number } from "./dom.js";
import { on } from "./requests.js";

const TYPING_MS = 200;
const ORDERS = [["relevance", "Best match"], ["newest", "Newest first"], ["oldest", "Oldest first"], ["title", "By title"], ["longest", "Longest first"]];

export function createFilters({ onChange }) {
  const state = { words: "", from: "", to: "", outlets: [], sort: "" };
  let typing = 0;

  const search = on(el("input", { type: "search", class: "cw-field", "aria-label": "Search the articles", placeholder: "Search words, titles, outlets", maxlength: "500" }), { input: () => {
    clearTimeout(typing);
    typing = setTimeout(() => change({ words: search.value.trim(), sort: "" }), TYPING_MS);
  } });
  const from = on(el("input", { type: "date", class: "cw-field" }), { change: () => change({ from: from.value }) });
  const to = on(el("input", { type: "date", class: "cw-field" }), { change: () => change({ to: to.value }) });
  const boxes = el("div", { class: "cw-outlet-list" });
  const chosen = el("summary", { class: "cw-field" }, "All outlets");
  const menu = el("details", { class: "cw-outlets" }, chosen, boxes);
  const orders = on(el("select", { class: "cw-field", "aria-label": "Order" }, ORDERS.map(([name, text]) => el("option", { value: name }, text))),
    { change: () => change({ sort: orders.value }) });
  const toggle = el("button", { type: "button", class: "cw-plain cw-fold", "aria-expanded": "false", onclick: () => toggle.setAttribute("aria-expanded", String(toggle.getAttribute("aria-expanded") !== "true")) }, "Filters");
  const clear = el("button", { type: "button", class: "cw-plain", onclick: () => { reset(); search.focus(); } }, "Clear");
  document.addEventListener("click", (event) => {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  });

  const order = () => state.sort || (state.words ? "relevance" : "newest");

  function value() {
    const { words, from: first, to: last, outlets } = state;
    return { words, from: first, to: last, outlets };
  }

  function change(parts) {
    Object.assign(state, parts);
    onChange();
  }

  function reset() {
    for (const field of [search, from, to]) field.value = "";
    change({ words: "", from: "", to: "", outlets: [], sort: "" });
  }

  function take(filter) {
    Object.assign(state, { from: filter.from, to: filter.to, outlets: [...filter.outlets] });
    from.value = state.from;
    to.value = state.to;
  }

  function draw(listing) {
    const narrowing = [state.from || state.to, state.outlets.length].filter(Boolean).length;
    toggle.textContent = narrowing ? `Filters (${narrowing})` : "Filters";
    clear.hidden = !(state.words || narrowing);
    orders.value = order();
    orders.options[0].disabled = !state.words;
    for (const day of [from, to]) {
      day.min = listing.first;
      day.max = listing.last;
    }
    drawOutlets(listing.outlets);
  }

  function drawOutlets(outlets) {
    menu.hidden = !outlets.length;
    chosen.textContent = state.outlets.length > 1 ? `${state.outlets.length} outlets` : state.outlets[0] || "All outlets";
    const focused = boxes.contains(document.activeElement) ? document.activeElement.value : null;
    boxes.replaceChildren(...outlets.map(([name, articles]) => el("label", {},
      on(el("input", { type: "checkbox", value: name }), { change: (event) => choose(name, event.target.checked) }),
      el("span", { dir: "auto" }, name), el("small", {}, number(articles)))));
    for (const box of boxes.querySelectorAll("input")) {
      box.checked = state.outlets.includes(box.value);
      if (box.value === focused) box.focus();
    }
  }

  function choose(name, isChosen) {
    change({ outlets: isChosen ? [...state.outlets, name] : state.outlets.filter((other) => other !== name) });
  }

  function fold() {
    if (!menu.open) return false;
    menu.open = false;
    chosen.focus();
    return true;
  }

  const parts = [search, toggle, el("label", { class: "cw-day" }, "From", from), el("label", { class: "cw-day" }, "To", to), menu, orders, clear];
  return { parts, search, value, order, take, draw, fold };
}
