// Elements from plain values. Every text is set with textContent; nothing here parses HTML.

export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

// The address of the page's own "/path?query"; the page may lie below a path of its host.
export function rooted(path) {
  const { pathname, search } = new URL(`..${path}`, import.meta.url);
  return pathname + search;
}

export const number = (value) => value.toLocaleString("en-GB");
export const count = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

export const narrow = window.matchMedia("(max-width: 860px)");
export const still = window.matchMedia("(prefers-reduced-motion: reduce)");

// Where people type on a keyboard of its own; elsewhere focus in a box would open one over the page.
export const desk = window.matchMedia("(hover: hover) and (pointer: fine) and (min-width: 861px)");

// The normalised address of a web page, "" for any other address.
export const webAddress = (url) => (/^https?:\/\//.test(url || "") ? encodeURI(url).replaceAll("%25", "%") : "");

// Speaks a line to screen readers.
export function announce(text) {
  let line = document.getElementById("cw-spoken");
  if (!line) {
    line = el("div", { class: "cw-spoken", id: "cw-spoken", role: "status" });
    document.body.append(line);
  }
  line.textContent = text;
}

// Copies a text; `back` has the focus afterwards.
export async function copyText(text, back) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without permission or https there is no clipboard API; a selected text area works everywhere, beside an open dialog only inside it.
    const area = el("textarea", { class: "cw-spoken", "aria-label": "Copied text" });
    area.value = text;
    (back.closest("dialog") || document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    back.focus();
  }
}

// Puts a question into the box; Gradio overrides the property, so the browser's own setter is used.
export function write(question) {
  const box = document.querySelector("#cw-ask textarea");
  if (!box) return;
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, question);
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

// A dialog over the page; a click beside it and Escape close it, and the focus returns to where it came from.
// `show(find)` opens it; `find` returns the element that gets the focus back.
export function createDialog(attributes, ...parts) {
  const dialog = el("dialog", attributes, ...parts);
  let opener = () => null;
  dialog.addEventListener("pointerdown", (event) => { if (event.target === dialog) dialog.close(); }); // a click beside it
  dialog.addEventListener("keydown", (event) => { if (event.key === "Escape") event.stopPropagation(); });
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener()?.focus();
  });
  function show(find) {
    opener = find;
    document.body.append(dialog);
    dialog.showModal();
  }
  return { dialog, show };
}

// Sends JSON to one of our routes and returns its answer, {} for none; throws an Error with problem and fix.
export async function asked(method, address, body) {
  const sent = body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(rooted(address), { method, ...sent }).catch(() => null);
  const said = response?.status === 204 ? {} : await response?.json().catch(() => null);
  if (response?.ok && said) return said;
  if (!response || response.ok) throw new Error("citewire does not answer. Is it still running?");
  throw new Error(said?.problem ? `${said.problem}. ${said.fix || ""}`.trim() : `The request failed (${response.status}).`);
}
