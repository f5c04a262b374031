// Adds files and web addresses to the articles: selection or drop, upload, and the progress until each is indexed or
// refused. The server fetches web addresses.
//
//     createIncoming({ onIndexed, onDismissed, tell, say })
//         -> { section, picker, limits, web(), pick(), add(files), addAddress(address), look(), takeDrops(root) }
//
// `limits` shows the largest file and the formats once `look` has asked; `web()` then says whether web addresses are fetched. `tell` shows errors, `say` speaks to screen
// readers. Requests are those of citewire.ui.corpus_routes.

import { asked, count, el, narrow, number, rooted } from "./dom.js";
import { on, plainButton, quoted } from "./requests.js";

const POLL_MS = 700;
const AT_ONCE = 2; // files sent at the same time
const FILES_SHOWN = 200;
const OPEN = new Set(["queued", "sending", "waiting", "indexing"]);
const LONGEST_PAUSE_S = 60; // longest wait before a refused file is sent again

export const carriesFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");

/** The files of a drop, including those in folders. A drop is readable only while its event is handled: call this at once. */
export function filesOf(event) {
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  return entries.length ? Promise.all(entries.map(inside)).then((found) => found.flat()) : Promise.resolve([...event.dataTransfer.files]);
}

async function inside(entry) {
  if (entry.isFile) return new Promise((done) => entry.file((file) => done([file]), () => done([])));
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done) => reader.readEntries(done, () => done([])));
    if (!some.length) break;
    found.push(...some.filter((one) => !one.name.startsWith(".")));
  }
  return (await Promise.all(found.map(inside))).flat();
}

export function createIncoming({ onIndexed, onDismissed, tell, say }) {
  const files = new Map(); // key -> {name, bytes, state, ...}: files sent from here, and files that the server works on
  const rows = new Map(); // key -> its row
  const queue = []; // [key, File or address] not yet sent
  let limit = Infinity;
  let formats = [];
  let web = false;
  let polling = 0;
  let sending = 0;
  let sent = 0;

  const head = el("div", { class: "cw-incoming-head" });
  const entries = el("ul", { tabindex: "0", "aria-label": "What became of each file" });
  const section = el("section", { class: "cw-incoming", "aria-label": "Added files", hidden: true }, head, entries);
  const picker = el("input", { type: "file", multiple: true, hidden: true });
  const largest = el("summary", {});
  const taken = el("span", {});
  const limits = el("details", { class: "cw-limits", open: !narrow.matches, hidden: true }, largest, taken);
  on(picker, { change: () => { add([...picker.files]); picker.value = ""; } });

  function takeDrops(root) {
    const over = (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      root.classList.add("cw-dragging");
    };
    on(root, {
      dragenter: over, dragover: over, drop: (event) => drop(event, root),
      dragleave: (event) => root.contains(event.relatedTarget) || root.classList.remove("cw-dragging"),
    });
  }

  async function drop(event, root) {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    root.classList.remove("cw-dragging");
    add(await filesOf(event));
  }

  function add(chosenFiles) {
    for (const file of chosenFiles) {
      const key = `sent-${++sent}`;
      const suffix = /\.[^.]+$/.exec(file.name)?.[0].toLowerCase() || "";
      const own = { key, name: file.name, bytes: file.size, state: "queued", sent: 0, reason: "", fix: "" };
      // The server checks these again; checking here saves an upload that it would refuse.
      if (file.size > limit) Object.assign(own, { state: "rejected", reason: `it has more than the ${number(limit)} bytes that are taken`, fix: "Split it" });
      else if (formats.length && !formats.includes(suffix)) Object.assign(own, { state: "rejected", reason: "it is not of a format that can be read", fix: `Save it as one of ${formats.join(" ")}` });
      else queue.push([key, file]);
      files.set(key, own);
    }
    draw();
    sendNext();
  }

  function addAddress(address) {
    const key = `sent-${++sent}`;
    files.set(key, { key, name: address, isAddress: true, bytes: 0, state: "queued", sent: 0, reason: "", fix: "" });
    queue.push([key, address]);
    draw();
    sendNext();
  }

  function sendNext() {
    while (sending < AT_ONCE && queue.length) {
      sending += 1;
      send(...queue.shift()).finally(() => {
        sending -= 1;
        sendNext();
        look();
      });
    }
  }

  function send(key, content) {
    return new Promise((done) => {
      const request = new XMLHttpRequest(); // fetch does not report upload progress
      const own = files.get(key);
      own.request = request;
      const end = (values) => {
        Object.assign(own, values);
        draw();
        done();
      };
      own.state = "sending";
      on(request.upload, { progress: (event) => { own.sent = event.loaded; draw(); } });
      on(request, {
        abort: () => done(),
        error: () => end({ state: "rejected", reason: "it did not arrive, as the connection broke off", fix: "Add it again" }),
        load: () => {
          let answer = {};
          try {
            answer = JSON.parse(request.responseText);
          } catch { /* its status below reports the error */ }
          if (request.status === 202) return end({ ...answer, own: true, asked: own.name });
          const seconds = Number(request.getResponseHeader("Retry-After")); // after too many files, or requests at once
          if (seconds) return later(key, content, answer, seconds);
          return end({ state: "rejected", reason: answer.problem || `it was refused (${request.status})`, fix: answer.fix || "" });
        },
      });
      const later = (...given) => { again(...given); done(); };
      request.open("POST", rooted(own.isAddress ? "/v1/addresses" : `/uploads?${new URLSearchParams({ name: content.name })}`));
      request.setRequestHeader("Content-Type", own.isAddress ? "application/json" : "application/octet-stream");
      request.send(own.isAddress ? JSON.stringify({ address: content }) : content);
      draw();
    });
  }

  // Queues a file again that was refused for now.
  function again(key, content, { problem, fix }, seconds) {
    Object.assign(files.get(key), { state: "queued", sent: 0, reason: problem, fix });
    draw();
    setTimeout(() => {
      if (files.get(key)?.state !== "queued") return; // cancelled or dismissed
      queue.push([key, content]);
      sendNext();
    }, 1000 * Math.min(seconds || 1, LONGEST_PAUSE_S));
  }

  async function cancel(file) {
    if (file.id) {
      try {
        Object.assign(file, await asked("DELETE", `/uploads/${encodeURIComponent(file.id)}`), { own: file.state === "indexing" });
      } catch (error) {
        tell(error.message);
      }
      look();
    } else {
      file.request?.abort();
      const at = queue.findIndex(([key]) => key === file.key);
      if (at >= 0) queue.splice(at, 1);
      Object.assign(file, { state: "cancelled", reason: "", fix: "" });
    }
    draw();
    entries.focus();
  }

  async function look() {
    clearTimeout(polling);
    let found;
    try {
      found = await asked("GET", "/uploads");
    } catch (error) {
      tell(error.message);
      polling = setTimeout(look, 5 * POLL_MS);
      return;
    }
    limit = found.limit;
    formats = found.formats;
    web = found.web;
    const size = limit < 1e6 ? `${Math.floor(limit / 1e3)} kB` : `${number(Math.floor(limit / 1e6))} MB`;
    largest.textContent = `Up to ${size} a file, and ${count(found.characters, "character")} of text an article. `;
    taken.textContent = `Formats: ${formats.join(" ")}`;
    limits.hidden = false;
    let done = 0;
    for (const upload of found.uploads) {
      const own = [...files.values()].find((one) => one.id === upload.id);
      if (own) {
        if (OPEN.has(own.state) && !OPEN.has(upload.state)) done += 1;
        Object.assign(own, upload);
      } else if (!sending && (OPEN.has(upload.state) || ["failed", "aside"].includes(upload.state))) {
        files.set(upload.id, { key: upload.id, ...upload }); // sent by another tab, or before this page was loaded
      }
    }
    draw();
    if (done) onIndexed();
    if ([...files.values()].some((one) => one.id && OPEN.has(one.state))) polling = setTimeout(look, POLL_MS);
  }

  function outcome(file) {
    const sentence = (text) => (/[.!?]$/.test(text) || !text ? text : `${text}.`);
    const why = [sentence(file.reason || ""), sentence(file.fix || "")].filter(Boolean).join(" ");
    if (file.state === "queued") return file.reason ? `waits to be sent: ${why}` : "waits to be sent";
    if (file.state === "sending" && file.isAddress) return "being fetched";
    if (file.state === "sending") return `sending, ${file.bytes ? Math.floor((100 * file.sent) / file.bytes) : 100}%`;
    if (file.state === "waiting") return file.reason ? `waits: ${why}` : "arrived, waits to be indexed";
    if (file.state === "indexing") return file.total ? `indexing: ${file.stage}, ${number(file.done)} of ${number(file.total)}` : file.stage === "being taken back" ? file.stage : "indexing";
    if (file.state === "rejected") return `rejected: ${file.id ? "it " : ""}${why}`; // reasons of the index have no subject
    if (file.state === "failed") return `not indexed yet: ${why}`;
    if (file.state === "known") return "was here already";
    if (file.state === "cancelled") return "taken back";
    if (file.state === "aside") return `set aside: ${why}`;
    const what = file.articles === 1 ? "indexed" : `indexed, ${count(file.articles, "article")}`;
    const copy = file.copy_of?.length ? (file.state === "copy" ? `copy of ${quoted(file.copy_of[0][1])}` : `with copies of ${quoted(file.copy_of[0][1])}${file.copy_of.length > 1 ? " and others" : ""}`) : "";
    const left = file.left_out?.length ? `left out ${file.left_out.map((one) => `${one.part}: ${one.reason}`).join("; ")}` : "";
    const doubts = [...(file.notes || []), left].filter(Boolean).join(", ");
    return [what, copy, doubts && `but ${doubts}`].filter(Boolean).join(", ");
  }

  const doubtful = (file) => ["indexed", "copy"].includes(file.state) && Boolean(file.notes?.length || file.left_out?.length);

  const mayCancel = (file) => ["queued", "sending"].includes(file.state) || (file.own && ["waiting", "indexing", "failed"].includes(file.state));

  // Updates the row of a file in place, so its button keeps the focus.
  function rowOf(file) {
    if (!rows.has(file.key)) {
      const button = el("button", { type: "button", class: "cw-plain cw-file-cancel", "aria-label": `Cancel ${file.name}`, onclick: () => cancel(files.get(file.key)) }, "Cancel");
      rows.set(file.key, el("li", {}, el("span", { class: "cw-file-name", dir: "auto" }), el("span", { class: "cw-file-progress" }),
        el("span", { class: "cw-file-state", dir: "auto" }), button));
    }
    const row = rows.get(file.key);
    const [name, progress, state, button] = row.children;
    row.className = `cw-file cw-file-${file.state}${doubtful(file) ? " cw-file-doubtful" : ""}`;
    name.textContent = file.asked && file.asked !== file.name ? `${file.asked} (kept as ${file.name})` : file.name;
    progress.replaceChildren(...(OPEN.has(file.state) ? [progressOf(file)] : []));
    state.textContent = outcome(file);
    button.hidden = !mayCancel(file);
    return row;
  }

  function progressOf(file) {
    const [value, max] = file.state === "sending" && !file.isAddress ? [file.sent, file.bytes] : file.state === "indexing" && file.total ? [file.done, file.total] : [null, 1];
    return el("progress", { max: max || 1, value, "aria-label": `Progress of ${file.name}` });
  }

  let drawing = 0;
  function draw() {
    drawing ||= requestAnimationFrame(() => { // progress arrives more often than the screen is drawn
      drawing = 0;
      show();
    });
  }

  function show() {
    const all = [...files.values()];
    const open = all.filter((file) => OPEN.has(file.state)).length;
    section.hidden = !all.length;
    const focused = head.contains(document.activeElement);
    const text = open ? `Adding ${count(all.length, "file")}: ${number(all.length - open)} done` : tally(all);
    head.replaceChildren(el("b", {}, text), open ? el("small", {}, "What has arrived is kept, even if you close the page.")
      : plainButton("Dismiss", () => { files.clear(); draw(); onDismissed(); }));
    const listed = all.toReversed().slice(0, FILES_SHOWN);
    for (const key of rows.keys()) if (!files.has(key)) rows.delete(key);
    const shown = listed.map(rowOf);
    if (shown.length !== entries.children.length || shown.some((row, at) => row !== entries.children[at])) entries.replaceChildren(...shown);
    if (!open && all.length) say(text);
    if (focused) (head.querySelector("button") || entries).focus();
  }

  // "3 files indexed", "10 of 12 files indexed, 2 rejected"
  function tally(all) {
    const words = { indexed: "indexed", copy: "indexed as copies", known: "here already", rejected: "rejected", failed: "not indexed yet", aside: "set aside", cancelled: "taken back" };
    const found = Object.entries(words).map(([name, text]) => [all.filter((file) => file.state === name).length, text]).filter(([some]) => some);
    const [[first, told] = [0, "indexed"], ...others] = found.map(([some, text]) => [some, some === 1 ? text.replace("copies", "a copy") : text]);
    const of = others.length ? `${number(first)} of ${count(all.length, "file")}` : count(all.length, "file");
    return [`${of} ${told}`, ...others.map(([some, text]) => `${number(some)} ${text}`)].join(", ");
  }

  return { section, picker, limits, web: () => web, pick: () => picker.click(), add, addAddress, look, takeDrops };
}
