// The History drawer: lists, opens, renames, exports, shares and deletes the visitor's conversations.
//
// Knows the routes of conversation_routes.py and its own dialog; the page decides what opening a conversation does. Titles
// are untrusted: the DOM is built with textContent only. The dialog is modal: the browser keeps the focus inside, closes
// it on Escape, and makes the page behind inert.

import { asked, copyText, count, createDialog, el, rooted } from "./dom.js";

const EXPORTS = [["md", "Markdown"], ["html", "HTML"], ["json", "JSON"]];
const UNITS = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];

/**
 * Make the drawer; it fetches the list each time it is opened.
 *
 * @param {{onOpen: (id: string) => void, onDeleted: (id: string) => void, current: () => string, notes: object}} page what to
 *   do with a chosen and with a deleted conversation; the id of the shown one, "" if none; the notes, which a phone without
 *   sources can only reach here
 * @returns {{open: (opener: HTMLElement) => Promise<void>, close: () => void}} `opener` gets the focus back
 */
export function createHistory({ onOpen, onDeleted, current, notes }) {
  const close = button("Close", () => drawer.close());
  const status = el("p", { class: "cw-drawer-status", role: "status" });
  const list = el("ul", { class: "cw-history" });
  const title = el("h2", { id: "cw-history-title" }, "History");
  const pinned = button("Notes", () => {
    drawer.close();
    notes.open(() => opener);
  }, "cw-history-notes");
  const { dialog: drawer, show: showDrawer } = createDialog({ class: "cw-drawer", "aria-labelledby": title.id }, el("header", {}, title, pinned, close), status, list);
  let opener = null;

  async function load() {
    const listed = await send("GET", "/conversations");
    if (listed) {
      list.replaceChildren(...listed.map(row));
      say(listed.length ? "" : "No conversations yet. What you ask is kept here, on the machine that serves this page.");
    }
  }

  function say(text, bad = false) {
    status.textContent = text;
    status.classList.toggle("cw-bad", bad);
  }

  /** Return what a route answers, or undefined after reporting an error. */
  const send = (...request) => asked(...request).catch((error) => say(error.message, true));

  function row(conversation) {
    const item = el("li", { class: "cw-history-row" });
    show(item, conversation);
    return item;
  }

  function show(item, conversation) {
    const when = new Date(conversation.changed);
    const about = el("small", { title: when.toLocaleString() }, `${count(conversation.exchanges, "question")}, ${ago(when)}`);
    const choose = button("", () => { drawer.close(); onOpen(conversation.id); }, "cw-history-open");
    choose.append(el("b", {}, conversation.title), about);
    if (conversation.id === current()) choose.setAttribute("aria-current", "true");

    const tools = el("div", { class: "cw-history-tools", hidden: true },
      el("div", { class: "cw-history-exports" }, "Export as", EXPORTS.map(([ending, label]) => el("a", {
        href: rooted(`/conversations/${conversation.id}/export.${ending}`), download: true, "aria-label": `Export as ${label}`,
      }, label))),
      button("Rename", () => rename(item, conversation)),
      button("Share", () => share(item, conversation)),
      button("Delete", () => confirmDelete(item, conversation), "cw-danger"));
    const more = button("⋯", () => {
      tools.hidden = !tools.hidden;
      more.setAttribute("aria-expanded", String(!tools.hidden));
    }, "cw-history-more");
    more.setAttribute("aria-label", `More for ${conversation.title}`);
    more.setAttribute("aria-expanded", "false");
    item.replaceChildren(choose, more, tools);
  }

  /** Restore the row and return the focus to where it came from. */
  function restore(item, conversation) {
    show(item, conversation);
    const more = item.querySelector(".cw-history-more");
    more.click();
    more.focus();
  }

  function rename(item, conversation) {
    const box = el("input", { type: "text", maxlength: 200, required: true, "aria-label": "Title" });
    box.value = conversation.title;
    const form = el("form", { class: "cw-history-form" },
      box, el("button", { type: "submit" }, "Save"), button("Cancel", () => restore(item, conversation)));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const renamed = await send("PATCH", `/conversations/${conversation.id}`, { title: box.value });
      if (!renamed) return;
      restore(item, { ...conversation, title: renamed.title });
      say("Renamed.");
    });
    leaveOnEscape(form, () => restore(item, conversation));
    item.replaceChildren(form);
    box.focus();
    box.select();
  }

  /** Show the address for sharing a conversation, and the button that ends it. */
  async function share(item, conversation) {
    const link = `/conversations/${conversation.id}/link`;
    const made = conversation.link ? conversation : await send("POST", link);
    if (!made) return;
    const shared = { ...conversation, link: made.link };
    const address = el("input", { type: "text", readonly: true, "aria-label": "Address for others" });
    address.value = new URL(rooted(`/shared/${shared.link}`), location.href).href;
    const copy = button("Copy", async () => {
      address.select();
      await copyText(address.value, address);
      say("Copied.");
    });
    const done = button("Done", () => restore(item, shared));
    const end = button("Stop sharing", async () => {
      if (!await send("DELETE", link)) return;
      restore(item, { ...conversation, link: "" });
      say("The address leads nowhere any more.");
    }, "cw-danger");
    const told = "Whoever has this address reads this conversation, also what you ask in it later.";
    const part = el("div", { class: "cw-history-form", role: "group", "aria-label": "Share" }, el("p", {}, told), address, copy, done, end);
    leaveOnEscape(part, () => restore(item, shared));
    item.replaceChildren(part);
    address.focus();
    address.select();
  }

  function confirmDelete(item, conversation) {
    const question = `Delete “${conversation.title}”? It cannot be brought back.`;
    const keep = button("Keep", () => restore(item, conversation));
    const gone = button("Delete", async () => {
      if (!await send("DELETE", `/conversations/${conversation.id}`)) return;
      const next = item.nextElementSibling || item.previousElementSibling;
      item.remove();
      (next ? next.querySelector("button, input") : close).focus();
      say(next ? "Deleted." : "Deleted. No conversations are left.");
      onDeleted(conversation.id);
    }, "cw-danger");
    const part = el("div", { class: "cw-history-form", role: "group", "aria-label": question }, el("p", {}, question), keep, gone);
    leaveOnEscape(part, () => restore(item, conversation));
    item.replaceChildren(part);
    keep.focus();
  }

  return {
    async open(from) {
      if (drawer.open) return;
      opener = from;
      list.replaceChildren();
      pinned.textContent = notes.size ? `Notes (${notes.size})` : "Notes";
      say("Loading");
      showDrawer(() => opener);
      await load();
    },
    close: () => drawer.close(),
  };
}

/** Escape leaves only this part, not the whole drawer. */
function leaveOnEscape(part, leave) {
  part.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    leave();
  });
}

function button(text, act, kind = "") {
  return el("button", { type: "button", class: kind, onclick: act }, text);
}

/** "3 days ago" */
function ago(when) {
  const seconds = (Date.now() - when.getTime()) / 1000;
  const [unit, length] = UNITS.find(([, least]) => seconds >= least) || ["", 0];
  return unit ? new Intl.RelativeTimeFormat("en").format(-Math.floor(seconds / length), unit) : "just now";
}
