// The notebook: pinned answers and quotes, in the visitor's order, saved as a briefing with its sources.
//
//     createNotes({ onChanged }) -> { pin(note), holds(note), open(opener), size }
//
// A note is {question, text, quotes: [{label, quote, from, url}]}; a pinned quote has no text. This browser stores the
// notes, each with the numbers of its answer; `numbered` renumbers them for display and briefing. All notes are
// untrusted: the DOM and the briefing are built with textContent, Markdown is escaped.

import { announce, count, createDialog, el, webAddress } from "./dom.js";
import { docx } from "./docx.js";

const KEPT = "cw-notes";
const MOST = 500;
const TITLE = "Briefing";
const STYLE = "body{font:16px/1.6 system-ui,sans-serif;max-width:44rem;margin:0 auto;padding:24px 20px;color:#1f2937;background:#fff;overflow-wrap:anywhere}"
  + "h1{font-size:1.6rem}h2{font-size:1.15rem;margin:1.6rem 0 .4rem}ul{padding-left:1.1rem}li{margin-bottom:.5rem}small{display:block;color:#52616b}";

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT));
    if (Array.isArray(kept)) return kept.filter((note) => typeof note?.question === "string" && Array.isArray(note.quotes)).slice(0, MOST);
  } catch { /* invalid JSON or unreadable: nothing was stored */ }
  return [];
}

export function createNotes({ onChanged }) {
  let notes = read();
  window.addEventListener("storage", (event) => { // another tab changed them
    if (![KEPT, null].includes(event.key)) return;
    notes = read();
    if (drawer.open) draw();
    onChanged();
  });

  const same = (one, other) => one.text === other.text && JSON.stringify(one.quotes) === JSON.stringify(other.quotes);
  const holds = (note) => notes.some((one) => same(one, note));

  function change(next) {
    notes = next.slice(0, MOST);
    try {
      localStorage.setItem(KEPT, JSON.stringify(notes));
    } catch {
      announce("This browser keeps no more notes: they are lost when the page is left.");
    }
    onChanged();
  }

  /** Pin a note, or remove it. */
  function pin(note) {
    const before = holds(note);
    change(before ? notes.filter((one) => !same(one, note)) : [...notes, note]);
    announce(before ? "Taken out of the notes" : `Pinned: ${count(notes.length, "note")}`);
  }

  // ---- the drawer

  const title = el("h2", { id: "cw-notes-title" }, "Notes");
  const list = el("ol", { class: "cw-notes" });
  const exports = el("p", { class: "cw-notes-exports" }, "As a briefing:",
    ...[
      ["Markdown", "briefing.md", () => file("text/markdown", markdown(numbered(notes)))],
      ["HTML", "briefing.html", () => file("text/html", page(numbered(notes)))],
      ["Word (DOCX)", "briefing.docx", () => docx(TITLE, numbered(notes))],
    ].map(([label, name, made]) => el("button", { type: "button", onclick: () => save(name, made()) }, label)));
  const empty = el("p", { class: "cw-drawer-status" }, "No notes yet. Pin an answer, or a quote beside it: they are kept in this browser.");
  const { dialog: drawer, show } = createDialog({ class: "cw-drawer", "aria-labelledby": title.id },
    el("header", {}, title, el("button", { type: "button", onclick: () => drawer.close() }, "Close")), exports, empty, list);

  function draw() {
    exports.hidden = !notes.length;
    empty.hidden = Boolean(notes.length);
    list.replaceChildren(...numbered(notes).map(row));
  }

  function row(note, at) {
    const button = (text, label, off, act) => el("button", { type: "button", "aria-label": `${label}, note ${at + 1}`, disabled: off, onclick: act }, text);
    const move = (by) => {
      const next = [...notes];
      next.splice(at + by, 0, next.splice(at, 1)[0]);
      change(next);
      draw();
      const buttons = list.children[at + by].querySelectorAll("button:not(:disabled)");
      (by < 0 ? buttons[0] : [...buttons].at(-2)).focus(); // the same button, or the opposite one at an end
      announce(`Note ${at + by + 1} of ${notes.length}`);
    };
    return el("li", {}, el("small", { dir: "auto" }, note.question), told(note),
      el("ul", { class: "cw-notes-quotes" }, note.quotes.map((one) => el("li", {}, el("q", { dir: "auto" }, one.quote), el("small", {}, `[${one.label}] ${one.from}`)))),
      el("div", { class: "cw-notes-tools" }, button("Up", "Move up", at === 0, () => move(-1)), button("Down", "Move down", at === notes.length - 1, () => move(1)),
        button("Remove", "Remove", false, () => {
          change(notes.filter((_, other) => other !== at));
          draw();
          (list.children[Math.min(at, notes.length - 1)] || drawer).querySelector("button:not(:disabled)").focus();
        })));
  }

  return {
    pin, holds,
    get size() { return notes.length; },
    // from: returns the element that gets the focus back
    open(from) {
      if (drawer.open) return;
      draw();
      show(from);
    },
  };
}

// ---- the display of a note

/**
 * Notes renumbered for the whole document: one number for each source, in order of appearance.
 *
 * @param {object[]} notes as stored
 * @returns {object[]} the same with `blocks` instead of `text`: {words} of a paragraph or {items} of a list
 */
function numbered(notes) {
  const numbers = new Map(); // source -> its number
  return notes.map(({ question, text, quotes }) => {
    const own = new Map(); // number in the answer -> number in the document
    for (const { label, quote, from, url } of quotes) {
      const source = JSON.stringify([quote, from, url || ""]);
      if (!numbers.has(source)) numbers.set(source, String(numbers.size + 1));
      own.set(label, numbers.get(source));
    }
    const renumbered = (text || "").replace(/\[(\w+)\]/g, (mark, label) => (own.has(label) ? `[${own.get(label)}]` : mark));
    return { question, blocks: blocksOf(renumbered), quotes: quotes.map((one) => ({ ...one, label: own.get(one.label) })) };
  });
}

// The paragraphs and lists of an answer's text, in the form of citewire.ui.render.
function blocksOf(text) {
  const found = [];
  for (const line of text.split("\n").filter((one) => one.trim())) {
    const last = found.at(-1);
    if (!line.startsWith("- ")) found.push({ words: line });
    else if (last?.items) last.items.push(line.slice(2));
    else found.push({ items: [line.slice(2)] });
  }
  return found;
}

const told = (note) => note.blocks.map(({ words, items }) =>
  (items ? el("ul", {}, items.map((one) => el("li", { dir: "auto" }, one))) : el("p", { dir: "auto" }, words)));

// ---- briefings

const file = (kind, text) => new Blob([text], { type: `${kind};charset=utf-8` });

function save(name, blob) {
  const address = URL.createObjectURL(blob);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

// Markdown that shows exactly a text on one line; the same as _plain in citewire.ui.export.
export function plain(text) {
  const escaped = text.replace(/\s+/g, " ").trim().replace(/[\\`*_{}[\]<>&|~$#^@]|:(?=\/\/)/g, "\\$&").replace(/(www)\./gi, "$1\\.");
  return escaped.replace(/^(\d+)(?=[.)])|^[-+=:!]/, (mark, digits) => (digits ? `${mark}\\` : `\\${mark}`));
}

function markdown(notes) {
  const parts = notes.map(({ question, blocks, quotes }) => [
    `## ${plain(question)}`, ...blocks.map(({ words, items }) => items?.map((one) => `- ${plain(one)}`).join("\n") ?? plain(words)),
    quotes.map(({ label, quote, from, url }) => `* **\\[${label}\\]** “${plain(quote)}”\\\n  ${plain(from)}${webAddress(url) ? ` <${webAddress(url)}>` : ""}`).join("\n"),
  ].join("\n\n"));
  return `# ${TITLE}\n\n${parts.join("\n\n")}\n`;
}

function page(notes) {
  const made = document.implementation.createHTMLDocument(TITLE);
  const policy = el("meta", { "http-equiv": "Content-Security-Policy", content: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'" });
  made.documentElement.lang = "en";
  made.head.prepend(el("meta", { charset: "utf-8" }), policy, el("meta", { name: "viewport", content: "width=device-width" }));
  made.head.append(el("style", {}, STYLE));
  made.body.append(el("h1", {}, TITLE), ...notes.flatMap(({ question, blocks, quotes }) => [
    el("h2", { dir: "auto" }, question), ...told({ blocks }),
    el("ul", {}, quotes.map(({ label, quote, from, url }) => el("li", {}, el("b", {}, `[${label}] `), el("q", { dir: "auto" }, quote),
      el("small", {}, from, webAddress(url) ? " " : "", webAddress(url) ? el("a", { href: webAddress(url), rel: "noopener noreferrer" }, "Original article") : "")))),
  ]));
  return `<!doctype html>\n${made.documentElement.outerHTML}\n`;
}
