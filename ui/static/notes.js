// The notebook: answers and quotes that were pinned, in an order of one's own, taken along as a briefing with its sources.
//
//     createNotes({ onChanged }) -> { pin(note), holds(note), open(opener), size }
//
// A note is {question, text, quotes: [{label, quote, from, url}]}; a pinned quote has no text. Notes are kept in this
// browser. All of them are untrusted: the DOM and the briefing are built with textContent, Markdown is escaped.

import { announce, count, el, webAddress } from "./dom.js";
import { docx } from "./docx.js";

const KEPT = "cw-notes";
const MOST = 500;
const TITLE = "Briefing";
const STYLE = "body{font:16px/1.6 system-ui,sans-serif;max-width:44rem;margin:0 auto;padding:24px 20px;color:#1f2937;background:#fff;overflow-wrap:anywhere}"
  + "h1{font-size:1.6rem}h2{font-size:1.15rem;margin:1.6rem 0 .4rem}ul{padding-left:1.1rem}li{margin-bottom:.5rem}small{display:block;color:#52616b}";

export function createNotes({ onChanged }) {
  let notes = [];
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT));
    if (Array.isArray(kept)) notes = kept.filter((note) => typeof note?.question === "string" && Array.isArray(note.quotes)).slice(0, MOST);
  } catch { /* what is no JSON, or may not be read, was not kept here */ }

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

  /** Pin a note, or take it out again. */
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
      ["Markdown", "briefing.md", () => file("text/markdown", markdown(notes))],
      ["HTML", "briefing.html", () => file("text/html", page(notes))],
      ["Word (DOCX)", "briefing.docx", () => docx(TITLE, notes)],
    ].map(([label, name, made]) => el("button", { type: "button", onclick: () => save(name, made()) }, label)));
  const empty = el("p", { class: "cw-drawer-status" }, "No notes yet. Pin an answer, or a quote beside it: they are kept in this browser.");
  const drawer = el("dialog", { class: "cw-drawer", "aria-labelledby": title.id },
    el("header", {}, title, el("button", { type: "button", onclick: () => drawer.close() }, "Close")), exports, empty, list);
  let opener = () => null;
  drawer.addEventListener("pointerdown", (event) => { if (event.target === drawer) drawer.close(); }); // beside it
  drawer.addEventListener("keydown", (event) => { if (event.key === "Escape") event.stopPropagation(); });
  drawer.addEventListener("close", () => {
    drawer.remove();
    opener()?.focus();
  });

  function draw() {
    exports.hidden = !notes.length;
    empty.hidden = Boolean(notes.length);
    list.replaceChildren(...notes.map(row));
  }

  function row(note, at) {
    const button = (text, label, off, act) => el("button", { type: "button", "aria-label": `${label}, note ${at + 1}`, disabled: off, onclick: act }, text);
    const move = (by) => {
      const next = [...notes];
      next.splice(at + by, 0, next.splice(at, 1)[0]);
      change(next);
      draw();
      const buttons = list.children[at + by].querySelectorAll("button:not(:disabled)");
      (by < 0 ? buttons[0] : [...buttons].at(-2)).focus(); // the same one, or its opposite at an end
      announce(`Note ${at + by + 1} of ${notes.length}`);
    };
    return el("li", {}, el("small", { dir: "auto" }, note.question), note.text ? el("p", { dir: "auto" }, note.text) : null,
      el("ul", {}, note.quotes.map((one) => el("li", {}, el("q", { dir: "auto" }, one.quote), el("small", {}, `[${one.label}] ${one.from}`)))),
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
    // from: finds what gets the focus back
    open(from) {
      if (drawer.open) return;
      opener = from;
      draw();
      document.body.append(drawer);
      drawer.showModal();
    },
  };
}

// ---- briefings

const file = (kind, text) => new Blob([text], { type: `${kind};charset=utf-8` });

function save(name, blob) {
  const address = URL.createObjectURL(blob);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

// Any character that Markdown could take for its own is shown as it is.
const plain = (text) => text.replace(/\s+/g, " ").trim().replace(/[!-/:-@[-`{-~]/g, "\\$&");

export function markdown(notes) {
  const parts = notes.map(({ question, text, quotes }) => [
    `## ${plain(question)}`, ...(text ? [plain(text)] : []),
    quotes.map(({ label, quote, from, url }) => `- **\\[${plain(label)}\\]** “${plain(quote)}”\\\n  ${plain(from)}${webAddress(url) ? ` <${webAddress(url)}>` : ""}`).join("\n"),
  ].join("\n\n"));
  return `# ${TITLE}\n\n${parts.join("\n\n")}\n`;
}

export function page(notes) {
  const made = document.implementation.createHTMLDocument(TITLE);
  const policy = el("meta", { "http-equiv": "Content-Security-Policy", content: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'" });
  made.documentElement.lang = "en";
  made.head.prepend(el("meta", { charset: "utf-8" }), policy, el("meta", { name: "viewport", content: "width=device-width" }));
  made.head.append(el("style", {}, STYLE));
  made.body.append(el("h1", {}, TITLE), ...notes.flatMap(({ question, text, quotes }) => [
    el("h2", { dir: "auto" }, question), text ? el("p", { dir: "auto" }, text) : "",
    el("ul", {}, quotes.map(({ label, quote, from, url }) => el("li", {}, el("b", {}, `[${label}] `), el("q", { dir: "auto" }, quote),
      el("small", {}, from, webAddress(url) ? " " : "", webAddress(url) ? el("a", { href: webAddress(url), rel: "noopener noreferrer" }, "Original article") : "")))),
  ]));
  return `<!doctype html>\n${made.documentElement.outerHTML}\n`;
}
