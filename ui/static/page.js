// Brings the page's parts together: the panel, the chat's links, and the views beside the chat (Settings, History,
// Articles, the tour), each loaded when it is first wanted. `start` gets what Gradio gives the script of the panel's
// gr.HTML: `trigger` sends an event to citewire.ui.page, `props.value` is what it last said of the conversation.

import { arrive } from "./arrival.js";
import { createDivider } from "./divider.js";
import { announce, asked, rooted } from "./dom.js";
import { takeDrops } from "./drops.js";
import { createFilter } from "./filter.js";
import { listenToKeys } from "./keys.js";
import { createLinks } from "./links.js";
import { createNotes } from "./notes.js";
import { createPanel } from "./panel.js";
import { preparePrint } from "./print.js";
import { choice, createSettings, settings } from "./settings.js";
import { createViews } from "./views.js";
import { createVisit } from "./visit.js";

const TELL_MS = 1500;

export function start({ element, props, watch, server, trigger }) {
  const turns = new Map(); // turn id -> panel value
  let shownChat = null; // serial of the conversation
  let kept = ""; // its id in the History
  let newest = null;
  let answered = []; // those who wait for the answer after a turn: {after, resolve}
  let began = false; // whether the server has said which conversation this tab shows

  // ---- the parts

  const notebook = createNotes({ onChanged: () => panel.draw() });
  const notes = {
    get size() { return notebook.size; },
    pinned: (turn, key) => turns.has(turn) && notebook.holds(noteOf(turns.get(turn), key)),
    pin: (turn, key) => notebook.pin(noteOf(turns.get(turn), key)),
    open(from) {
      notebook.open(from);
      views.overlaid();
    },
  };
  const filter = createFilter({ trigger, onSettled: (articles) => panel.setScope(articles) });
  const panel = createPanel({
    root: element.querySelector(".cw-panel-root"), turns, notes, onScope: filter.wish,
    onDrawn: () => links?.describe(), rate: (...given) => rate(...given).then((fault) => fault && announce(fault)),
    readArticle: (wanted) => server.read_article(wanted),
    onSheet: (open) => (open ? visit.lay(panel.close, panel.isSheet) : visit.lift(panel.close)),
  });
  const visit = createVisit({ turns, panel, go: (id) => trigger(id ? "cw_open" : "cw_new", id ? { id } : {}) });
  const act = { ask, retry: (quotes) => trigger("cw_retry", { quotes }), rate, exports, pin: notes.pin, pinned: notes.pinned };
  const links = createLinks({ turns, panel, act });
  const chooseModel = (name) => trigger("cw_model", { name });
  const views = createViews({ visit, openers: {
    settings: async () => createSettings({ onModel: chooseModel }),
    history: () => import("./history.js").then((view) => view.createHistory({
      onOpen: (id) => { visit.keep(); trigger("cw_open", { id }); },
      onDeleted: (id) => id === kept && trigger("cw_new", {}),
      current: () => kept,
      notes,
    })),
    articles: () => import("./corpus.js").then((view) => view.createCorpus({
      onFilter: filter.choose,
      onChanged: () => { trigger("cw_corpus", {}); setTimeout(tell, TELL_MS); },
      filters: filter.inForce,
      readOnly: document.body.hasAttribute("data-cw-read-only"),
    })),
  } });
  document.addEventListener("click", (event) => {
    const wanted = event.target.closest?.("[data-cw-do]")?.dataset.cwDo;
    if (wanted === "new") { visit.keep(); trigger("cw_new", {}); }
    if (wanted === "unfilter") filter.choose({});
  });
  takeDrops(views);
  listenToKeys({ openSettings: (from) => views.open("settings", from), step: links.step });

  // ---- what is sent to the server

  // Asks, and resolves to the turn once it is answered.
  function ask(question) {
    const after = newest?.turn;
    trigger("cw_ask", { question });
    return new Promise((resolve) => { answered.push({ after, resolve }); });
  }

  // Asks for what the articles are about until it is known; a stream that waits for it would not survive a reload.
  function tell() {
    if (!document.body.hasAttribute("data-cw-overview")) return;
    trigger("cw_overview", {});
    setTimeout(() => props.value.telling !== false && tell(), TELL_MS);
  }

  function exports() {
    const named = { html: "One web page (HTML)", md: "Text (Markdown)", json: "Data (JSON)" };
    return Object.entries(named).map(([kind, label]) => ({ label, href: rooted(`/conversations/${encodeURIComponent(kept)}/export.${kind}`) }));
  }

  // Tells what the reader thinks of an answer or a quote, or takes it back; resolves to what went wrong, "" for nothing.
  async function rate(turn, key, value) {
    const shown = turns.get(turn);
    const undo = shown.ratings[key] === value;
    const rated = { exchange: shown.kept, claim: null, quote: key === "answer" ? null : Number(key) };
    try {
      await (undo ? asked("DELETE", "/feedback", rated) : asked("POST", "/feedback", { ...rated, value }));
    } catch (error) {
      return error.message;
    }
    if (undo) delete shown.ratings[key];
    else shown.ratings[key] = value;
    announce(undo ? "Taken back" : "Noted, thank you");
    panel.draw();
    return "";
  }

  // Who types wants no more questions to be looked for: the machine is free for theirs.
  document.addEventListener("input", (event) => {
    if (!newest?.suggesting || newest.phase !== "done" || !event.target.closest?.("#cw-ask")) return;
    newest.suggesting = false;
    document.body.removeAttribute("data-cw-seeking");
    links.describe();
    trigger("cw_hush", {});
  });

  // As long as the chosen model is loaded, the server is asked how far it is.
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

  // ---- what the server says

  function take() {
    const value = props.value || {};
    if (value.chat !== shownChat) {
      turns.clear();
      panel.forget();
      newest = null;
      shownChat = value.chat;
    }
    kept = value.kept || "";
    for (const turn of value.turns || []) {
      newest = renewed(turns.get(turn.turn), turn);
      turns.set(turn.turn, newest);
    }
    if (value.about) turns.set(value.about.turn, value.about); // what the empty page quotes
    if (value.turns && !value.turns.length) newest = null;
    if (value.turns && !began) begin();
    document.body.dataset.cwPhase = newest?.phase || "empty";
    document.body.toggleAttribute("data-cw-seeking", Boolean(newest?.suggesting)); // of what to offer
    panel.take(newest);
    if (newest?.fresh) visit.toNewest(); // who asks wants to see the answer, wherever they were reading
    visit.show(kept);
    if (newest?.phase === "done") wake();
  }

  function begin() {
    began = true;
    tell();
    takeUpModel();
    if (newest && (newest.phase !== "done" || newest.suggesting)) trigger("cw_follow", {}); // it was being answered
  }

  function wake() {
    const waited = answered.filter(({ after }) => after !== newest.turn);
    answered = answered.filter((one) => !waited.includes(one));
    for (const { resolve } of waited) resolve(newest.turn);
  }

  preparePrint(turns);
  watch("value", take);
  take();
  createDivider(document.getElementById("cw-main"), document.getElementById("cw-right"));
  whenDrawn(() => {
    links.describe();
    visit.follow();
  });
  leaveWhenSignedOut();
  arrive({
    ask,
    resume() {
      trigger("cw_resume", { tab: visit.tab, id: visit.id });
      visit.retype();
    },
    async tour() {
      const { createTour } = await import("./tour.js");
      const select = (key) => newest && panel.select(newest.turn, String(key), { from: () => null });
      createTour({ ask, newChat: () => trigger("cw_new", {}), select }).start();
    },
  });
}

// What is pinned of a turn: its answer with all its quotes, or one of them.
function noteOf({ question, said, sources, articles }, key = null) {
  const labelled = sources.filter((source) => source.label && (key === null || source.key === key));
  const quotes = labelled.map(({ label, quote, article, page }) => {
    const { title, byline, url } = articles[article] || {}; // an answer that was stopped may lack it
    return { label, quote: quote.replace(/\s+/g, " "), from: [title, byline, page].filter(Boolean).join(", "), url };
  });
  return { question, text: key === null ? said : "", quotes };
}

// A turn as the server says it now, with what only this page knows of it.
function renewed(before, turn) {
  const numbered = (one) => Boolean(one?.sources.some((source) => source.label));
  // What the visitor has said of an answer since the server drew it is known here alone.
  const same = before?.phase === "done" && turn.phase === "done" && before.kept === turn.kept;
  const numbersCame = numbered(turn) !== numbered(before) || !before?.sources.length;
  return { ...turn, ratings: same ? before.ratings : turn.ratings, fresh: !before, numbersCame };
}

// Calls `drawn` now and whenever the chat has changed, once Gradio has made it.
function whenDrawn(drawn) {
  const waiting = setInterval(() => {
    const chat = document.getElementById("cw-chat");
    if (!chat) return;
    clearInterval(waiting);
    new MutationObserver(drawn).observe(chat, { childList: true, subtree: true });
    drawn();
  }, 100);
}

// Where the session has ended, loading the page again leads to signing in.
function leaveWhenSignedOut() {
  new PerformanceObserver((list) => {
    const signedIn = document.querySelector("[data-cw-do=leave]:not([hidden])");
    if (signedIn && list.getEntries().some((request) => request.responseStatus === 401)) location.reload();
  }).observe({ type: "resource" });
}
