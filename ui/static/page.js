// Brings the page's parts together: the panel, the chat's links, and the views beside the chat (History, Articles, the
// tour), each loaded when it is first wanted. `start` gets what Gradio gives the script of the panel's gr.HTML:
// `trigger` sends an event to citewire.ui.page, `props.value` is what it last said of the conversation.

import { createDivider } from "./divider.js";
import { announce, el, rooted, send, write } from "./dom.js";
import { carriesFiles, filesOf } from "./incoming.js";
import { createLinks } from "./links.js";
import { createNotes } from "./notes.js";
import { createPanel } from "./panel.js";
import { preparePrint } from "./print.js";
import { choice, createSettings, settings } from "./settings.js";
import { createVisit } from "./visit.js";

const TELL_MS = 1500;
const RESEND_MS = 300;
const WISH_MS = 20000;

export function start({ element, props, watch, server, trigger }) {
  const turns = new Map(); // turn id -> panel value
  let shownChat = null; // serial of the conversation
  let kept = ""; // its id in the History
  let newest = null;
  let answered = []; // those who wait for the answer after a turn: {after, resolve}
  let began = false; // whether the server has said which conversation this tab shows
  const views = {};

  const root = element.querySelector(".cw-panel-root");
  // What is pinned of a turn: its answer with all its quotes, or one of them.
  function noteOf(turn, key = null) {
    const { question, said, sources, articles } = turns.get(turn);
    const labelled = sources.filter((source) => source.label && (key === null || source.key === key));
    const quotes = labelled.map(({ label, quote, article, page }) => {
      const { title, byline, url } = articles[article] || {}; // an answer that was stopped may lack it
      return { label, quote: quote.replace(/\s+/g, " "), from: [title, byline, page].filter(Boolean).join(", "), url };
    });
    return { question, text: key === null ? said : "", quotes };
  }
  const notebook = createNotes({ onChanged: () => panel.draw() });
  const notes = {
    get size() { return notebook.size; },
    pinned: (...of) => turns.has(of[0]) && notebook.holds(noteOf(...of)),
    pin: (...of) => notebook.pin(noteOf(...of)),
    open(from) {
      notebook.open(from);
      overlaid();
    },
  };

  const panel = createPanel({
    root, turns, notes, onDrawn: () => links?.describe(), rate: (...given) => rate(...given).then((fault) => fault && announce(fault)),
    readArticle: (wanted) => server.read_article(wanted),
    onSheet: (open) => (open ? visit.lay(panel.close, panel.isSheet) : visit.lift(panel.close)),
    onScope: (articles) => {
      wish = { articles, until: performance.now() + WISH_MS };
      if (!timer) sendWish();
    },
  });
  const visit = createVisit({ turns, panel, go: (id) => trigger(id ? "cw_open" : "cw_new", id ? { id } : {}) });

  // The drawer that was just opened, or the view of the articles, lies over the page until it is hidden.
  function overlaid() {
    const part = [...document.querySelectorAll("dialog[open], .cw-articles:not([hidden])")].at(-1);
    if (!part || part.dataset.cwOver) return;
    const isShown = () => part.open ?? !part.hidden;
    const close = () => (part.close ? part.close() : views.articles.back());
    const seen = new MutationObserver(() => {
      if (isShown()) return;
      seen.disconnect();
      delete part.dataset.cwOver;
      visit.lift(close);
    });
    part.dataset.cwOver = "1";
    seen.observe(part, { attributes: true, attributeFilter: ["open", "hidden"] });
    visit.lay(close, isShown);
  }

  // Which articles are asked; ticks of the panel, the Articles view and the line above the box change it.
  function inForce() {
    const { from = "", to = "", outlets = [], articles = [] } = JSON.parse(document.body.dataset.cwFilter || "{}");
    return { from, to, outlets, articles };
  }
  // Gradio drops what is sent while the server still answers what was sent before: what was ticked is sent again until it
  // is in force, never two at a time.
  let wish = null; // {articles, until}
  let timer = 0;
  function sendWish() {
    timer = setTimeout(checkWish, RESEND_MS);
    trigger("cw_filter", { ...inForce(), articles: wish.articles });
  }
  function checkWish() {
    timer = 0;
    const { articles } = inForce();
    if (wish && performance.now() < wish.until && wish.articles.join("\n") !== articles.join("\n")) return sendWish();
    wish = null;
    panel.setScope(articles);
  }
  function choose(filter) {
    wish = null;
    trigger("cw_filter", filter);
  }
  new MutationObserver(() => timer || checkWish()).observe(document.body, { attributes: true, attributeFilter: ["data-cw-filter"] });
  const act = { ask, retry: (quotes) => trigger("cw_retry", { quotes }), rate, exports, pin: notes.pin, pinned: notes.pinned };
  const links = createLinks({ turns, panel, act });

  // Asks, and resolves to the turn once it is answered.
  function ask(question) {
    const after = newest?.turn;
    trigger("cw_ask", { question });
    return new Promise((resolve) => answered.push({ after, resolve }));
  }

  function exports() {
    const named = { html: "One web page (HTML)", md: "Text (Markdown)", json: "Data (JSON)" };
    return Object.entries(named).map(([kind, label]) => ({ label, href: rooted(`/conversations/${encodeURIComponent(kept)}/export.${kind}`) }));
  }

  // Tells what the reader thinks of an answer or a quote, or takes it back; resolves to what went wrong, "" for nothing.
  async function rate(turn, key, value) {
    const shown = turns.get(turn);
    const undo = shown.ratings[key] === value;
    const quote = key === "answer" ? null : Number(key);
    try {
      const rated = { exchange: shown.kept, claim: null, quote };
      await (undo ? send("DELETE", "/feedback", rated) : send("POST", "/feedback", { ...rated, value }));
    } catch (error) {
      return error.message;
    }
    if (undo) delete shown.ratings[key];
    else shown.ratings[key] = value;
    announce(undo ? "Taken back" : "Noted, thank you");
    panel.draw();
    return "";
  }

  // ---- views beside the chat

  const chooseModel = (name) => trigger("cw_model", { name });
  const opener = {
    settings: async () => createSettings({ onModel: chooseModel }),
    history: () => import("./history.js").then((view) => view.createHistory({
      onOpen: (id) => { visit.keep(); trigger("cw_open", { id }); },
      onDeleted: (id) => id === kept && trigger("cw_new", {}),
      current: () => kept,
      notes,
    })),
    articles: () => import("./corpus.js").then((view) => view.createCorpus({
      onFilter: choose,
      onChanged: () => { trigger("cw_corpus", {}); setTimeout(tell, TELL_MS); },
      filters: inForce,
      readOnly: document.body.hasAttribute("data-cw-read-only"),
    })),
  };

  const view = async (name) => (views[name] ??= await opener[name]());

  async function openView(name, button) {
    try {
      const opening = (await view(name)).open(button);
      overlaid();
      await opening;
    } catch {
      announce("This view could not be opened. Is citewire still running?");
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-cw-do]");
    const wanted = button?.dataset.cwDo;
    if (wanted === "new") { visit.keep(); trigger("cw_new", {}); }
    if (wanted === "unfilter") choose({});
    if (opener[wanted]) openView(wanted, button);
  });

  // ---- files that are dropped anywhere are added, where articles may be

  const limits = el("small", {});
  const dropHere = el("div", { class: "cw-drop", "aria-hidden": "true" }, el("span", {}, "Drop files or folders to add them to the articles"), limits);
  const mayDrop = (event) => carriesFiles(event) && !event.target.closest?.(".cw-articles") && !document.body.hasAttribute("data-cw-read-only")
    && Boolean(document.querySelector("[data-cw-do=articles]:not([hidden])"));
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      if (!mayDrop(event)) return;
      event.preventDefault();
      if (dropHere.isConnected) return;
      document.body.append(dropHere);
      document.body.classList.add("cw-dragging");
      view("articles").then((articles) => articles.limits()).then((words) => { limits.textContent = words; }).catch(() => {});
    });
  }
  function dropped() {
    dropHere.remove();
    document.body.classList.remove("cw-dragging");
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget || dropped()); // out of the window
  document.addEventListener("drop", async (event) => {
    if (!mayDrop(event)) return;
    event.preventDefault();
    dropped();
    const files = await filesOf(event);
    await openView("articles", document.querySelector("[data-cw-do=articles]"));
    views.articles?.add(files);
  });

  // ---- who types wants no more questions to be looked for: the machine is free for theirs

  document.addEventListener("input", (event) => {
    if (!newest?.suggesting || newest.phase !== "done" || !event.target.closest?.("#cw-ask")) return;
    newest.suggesting = false;
    document.body.removeAttribute("data-cw-seeking");
    links.describe();
    trigger("cw_hush", {});
  });

  // ---- which model answers; as long as it is loaded, the server is asked how far it is

  let looking = 0;
  function lookWhileLoading() {
    if (looking || document.body.dataset.cwModel !== "loading") return;
    looking = setTimeout(() => { looking = 0; trigger("cw_model", {}); lookWhileLoading(); }, TELL_MS);
  }
  new MutationObserver(lookWhileLoading).observe(document.body, { attributes: true, attributeFilter: ["data-cw-model"] });
  // Asks for the model that was chosen on an earlier visit.
  function takeUpModel() {
    const { models, chosen } = choice();
    if (models && settings.model in models && settings.model !== chosen) chooseModel(settings.model);
  }

  // ---- keys, where nothing is being typed; Escape in the box stops the answer

  const KEYS = {
    "/": () => document.querySelector("#cw-ask textarea")?.focus(),
    "?": () => openView("settings", document.activeElement),
    n: () => links.step(1),
    p: () => links.step(-1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], .cw-articles:not([hidden])")) return;
    if (event.key === "Escape" && event.target.closest?.("#cw-ask")) {
      const stop = document.querySelector("#cw-ask .stop-button");
      if (stop) event.preventDefault();
      stop?.click();
    }
    if (!settings.keys || !Object.hasOwn(KEYS, event.key) || event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select")) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  // ---- what the server says

  function take() {
    const value = props.value || {};
    const goesOn = value.chat === shownChat;
    if (!goesOn) {
      turns.clear();
      panel.forget();
      newest = null;
      shownChat = value.chat;
    }
    kept = value.kept || "";
    for (const turn of value.turns || []) {
      const before = turns.get(turn.turn);
      const numbered = (one) => Boolean(one?.sources.some((source) => source.label));
      // What the visitor has said of an answer since the server drew it is known here alone.
      const same = before?.phase === "done" && turn.phase === "done" && before.kept === turn.kept;
      const ratings = same ? before.ratings : turn.ratings;
      turns.set(turn.turn, { ...turn, ratings, fresh: !before, numbersCame: numbered(turn) !== numbered(before) || !before?.sources.length });
      newest = turns.get(turn.turn);
    }
    if (value.about) turns.set(value.about.turn, value.about); // what the empty page quotes
    if (value.turns && !value.turns.length) newest = null;
    const came = Boolean(value.turns && !began);
    if (came) {
      began = true;
      tell();
      takeUpModel();
    }
    if (came && newest && (newest.phase !== "done" || newest.suggesting)) trigger("cw_follow", {}); // it was being answered
    document.body.dataset.cwPhase = newest?.phase || "empty";
    document.body.toggleAttribute("data-cw-seeking", Boolean(newest?.suggesting)); // of what to offer
    panel.take(newest);
    if (newest?.fresh) visit.toNewest(); // who asks wants to see the answer, wherever they were reading
    visit.show(kept);
    if (newest?.phase !== "done") return;
    const waited = answered.filter(({ after }) => after !== newest.turn);
    answered = answered.filter((one) => !waited.includes(one));
    for (const { resolve } of waited) resolve(newest.turn);
  }

  preparePrint(turns);
  watch("value", take);
  take();
  createDivider(document.getElementById("cw-main"), document.getElementById("cw-right"));
  const waitForChat = setInterval(() => {
    const chat = document.getElementById("cw-chat");
    if (!chat) return;
    clearInterval(waitForChat);
    const drawn = () => {
      links.describe();
      visit.follow();
    };
    new MutationObserver(drawn).observe(chat, { childList: true, subtree: true });
    drawn();
  }, 100);

  // ---- a session that has ended: loading the page again leads to signing in

  new PerformanceObserver((list) => {
    const signedIn = document.querySelector("[data-cw-do=leave]:not([hidden])");
    if (signedIn && list.getEntries().some((request) => request.responseStatus === 401)) location.reload();
  }).observe({ type: "resource" });

  // ---- what the page's address asks for

  function whenReady(run) {
    if (document.body.dataset.cwState === "ready") return run();
    const seen = new MutationObserver(() => {
      if (document.body.dataset.cwState !== "ready") return;
      seen.disconnect();
      run();
    });
    seen.observe(document.body, { attributes: true, attributeFilter: ["data-cw-state"] });
  }

  // At a desk one types at once; elsewhere a keyboard would come up over the page. What has the focus keeps it.
  whenReady(() => {
    if (!window.matchMedia("(hover: hover) and (pointer: fine) and (min-width: 861px)").matches) return;
    const box = document.querySelector("#cw-ask textarea");
    const enabled = setInterval(() => {
      if (box?.disabled) return;
      clearInterval(enabled);
      if (document.activeElement === document.body && !document.querySelector(".cw-tour")) box?.focus();
    }, 50);
  });

  // Offers the question of a link on another page: only a click asks it.
  function offer(question) {
    const end = () => { write(""); bar.remove(); document.querySelector("#cw-ask textarea")?.focus(); };
    const bar = el("div", { class: "cw-offer", role: "group", "aria-label": "A question from a link" },
      el("p", {}, "A link on another page brought this question:"), el("p", { class: "cw-offered", dir: "auto" }, question),
      el("button", { type: "button", class: "cw-main-button", onclick: () => { end(); ask(question); } }, "Ask this"),
      el("button", { type: "button", class: "cw-plain", onclick: end }, "Dismiss"));
    document.getElementById("cw-ask").before(bar);
    write(question);
    bar.querySelector("button").focus();
  }

  const wanted = new URLSearchParams(location.search);
  // Asks for what the articles are about until it is known; a stream that waits for it would not survive a reload.
  function tell() {
    if (!document.body.hasAttribute("data-cw-overview")) return;
    trigger("cw_overview", {});
    setTimeout(() => props.value.telling !== false && tell(), TELL_MS);
  }
  whenReady(() => {
    trigger("cw_resume", { tab: visit.tab, id: visit.id });
    visit.retype();
  });

  if (wanted.get("q")) {
    whenReady(() => {
      window.history.replaceState(null, "", location.pathname); // a reload does not ask again
      ask(wanted.get("q"));
    });
  }
  if (wanted.get("draft")) {
    whenReady(() => {
      window.history.replaceState(null, "", location.pathname);
      offer(wanted.get("draft"));
    });
  }
  if (wanted.has("tour")) {
    whenReady(async () => {
      const { createTour } = await import("./tour.js");
      const select = (key) => newest && panel.select(newest.turn, String(key), { from: () => null });
      createTour({ ask, newChat: () => trigger("cw_new", {}), select }).start();
    });
  }
}
