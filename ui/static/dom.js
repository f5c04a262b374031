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

export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

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

// Puts a question into the box; Gradio overrides the property, so the browser's own setter is used.
export function write(question) {
  const box = document.querySelector("#cw-ask textarea");
  if (!box) return;
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, question);
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

// Sends JSON to one of our routes; throws an Error with problem and fix.
export async function send(method, address, body) {
  let response;
  try {
    response = await fetch(rooted(address), { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  } catch {
    throw new Error("citewire does not answer. Is it still running?");
  }
  if (response.ok) return;
  const said = await response.json().catch(() => ({}));
  throw new Error(said.problem ? `${said.problem}. ${said.fix}` : `The request failed (${response.status}).`);
}
