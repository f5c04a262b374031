// Connects the parts of the page: the panel, the chat's links, and the views beside the chat (Settings, History,
// Articles, the tour), each loaded at first use. `start` gets the arguments that Gradio passes to the script of the
// panel's gr.HTML: `trigger` sends an event to citewire.ui.page, `props.value` is the last value of the conversation.

import { arrive } from "./arrival.js";
import { createDivider } from "./divider.js";
import { announce, asked, desk, rooted } from "./dom.js";
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
  let answered = []; // callers that wait for the answer after a turn: {after, resolve}
  let began = false; // whether the server has reported this tab's conversation
  let hasBegun = () => {};
  const resumed = new Promise((resolve) => { hasBegun = resolve; });
  let newestView = 0; // number of the newest view
  let renewing = false; // whether another view was asked for because one came late

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
  const visit = createVisit({ turns, panel, async go(id, step) {
    await resumed; // else the server, which gets both at once, could end with the conversation of before
    trigger(id ? "cw_open" : "cw_new", id ? { id, step } : { step });
  } });
  const act = { ask, retry: (quotes) => trigger("cw_retry", { quotes }), rate, exports, pin: notes.pin, pinned: notes.pinned };
  const links = createLinks({ turns, panel, act });
  const chooseModel = (name) => trigger("cw_model", { name });
  const views = createViews({ visit, openers: {
    settings: async () => createSettings({ onModel: chooseModel }),
    history: () => import("./history.js").then((view) => view.createHistory({
      onOpen: visit.move,
      onDeleted: (id) => id === kept && visit.move(""),
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
    if (wanted === "new") {
      visit.move("");
      if (desk.matches) document.querySelector("#cw-ask textarea")?.focus();
    }
    if (wanted === "unfilter") filter.choose({});
  });
  takeDrops(views);
  listenToKeys({ openSettings: (from) => views.open("settings", from), step: links.step });

  // ---- sent to the server

  // Asks; resolves to the turn when it is answered.
  async function ask(question) {
    await visit.arrived();
    const after = newest?.turn;
    trigger("cw_ask", { question });
    return new Promise((resolve) => { answered.push({ after, resolve }); });
  }

  // Asks for the overview until it is known; a stream that waits for it would not survive a reload.
  function tell() {
    if (!document.body.hasAttribute("data-cw-overview")) return;
    trigger("cw_overview", {});
    setTimeout(() => props.value.telling !== false && tell(), TELL_MS);
  }

  function exports() {
    const named = { html: "One web page (HTML)", md: "Text (Markdown)", json: "Data (JSON)" };
    return Object.entries(named).map(([kind, label]) => ({ label, href: rooted(`/conversations/${encodeURIComponent(kept)}/export.${kind}`) }));
  }

  // Rates an answer or a quote, or removes the rating; resolves to an error message, "" if it succeeded.
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

  // What is sent from the box right after New chat belongs to the new conversation.
  let sending = false;
  async function sendOnArrival(event) {
    const typed = event.type === "keypress";
    if (!visit.moving() || (typed && (event.key !== "Enter" || event.shiftKey))) return;
    if (!event.target.closest?.(`#cw-ask ${typed ? "textarea" : ".submit-button"}`)) return;
    event.preventDefault();
    event.stopPropagation();
    if (sending) return;
    sending = true;
    await visit.arrived();
    sending = false;
    document.querySelector("#cw-ask textarea").dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", bubbles: true }));
  }
  for (const by of ["keypress", "click"]) document.addEventListener(by, sendOnArrival, true);

  // While a visitor types, the search for suggestions stops: the machine is free for their question.
  document.addEventListener("input", (event) => {
    if (!newest?.suggesting || newest.phase !== "done" || !event.target.closest?.("#cw-ask")) return;
    newest.suggesting = false;
    document.body.removeAttribute("data-cw-seeking");
    links.describe();
    trigger("cw_hush", {});
  });

  // While the chosen model loads, the server is asked for its progress.
  let looking = 0;
  function lookWhileLoading() {
    if (looking || document.body.dataset.cwModel !== "loading") return;
    looking = setTimeout(() => { looking = 0; trigger("cw_model", {}); lookWhileLoading(); }, TELL_MS);
  }
  new MutationObserver(lookWhileLoading).observe(document.body, { attributes: true, attributeFilter: ["data-cw-model"] });

  // Chooses the model of an earlier visit.
  function takeUpModel() {
    const { models, chosen } = choice();
    if (models && settings.model in models && settings.model !== chosen) chooseModel(settings.model);
  }

  // ---- received from the server

  function take() {
    const value = props.value || {};
    if (value.view < newestView && !renewing) { // Gradio has drawn its chat over that of a newer one
      renewing = true;
      visit.show(kept, value.step);
      trigger("cw_overview", {});
      return;
    }
    renewing = false;
    newestView = value.view || newestView;
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
    if (value.about) turns.set(value.about.turn, value.about); // quotes of the empty page
    if (value.turns && !value.turns.length) newest = null;
    if (value.turns && !began) begin();
    document.body.dataset.cwPhase = newest?.phase || "empty";
    document.body.toggleAttribute("data-cw-seeking", Boolean(newest?.suggesting)); // while suggestions are searched
    panel.take(newest);
    if (newest?.fresh) visit.toNewest(); // after asking, the chat scrolls to the answer
    visit.show(kept, value.step);
    if (newest?.phase === "done") wake();
  }

  function begin() {
    began = true;
    hasBegun();
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
      createTour({ ask, newChat: () => visit.move(""), select }).start();
    },
  });
}

// The pinned parts of a turn: its answer with all quotes, or one quote.
function noteOf({ question, said, sources, articles }, key = null) {
  const labelled = sources.filter((source) => source.label && (key === null || source.key === key));
  const quotes = labelled.map(({ label, quote, article, page }) => {
    const { title, byline, url } = articles[article] || {}; // a stopped answer may lack it
    return { label, quote: quote.replace(/\s+/g, " "), from: [title, byline, page].filter(Boolean).join(", "), url };
  });
  return { question, text: key === null ? said : "", quotes };
}

// A turn as the server reports it, with the data that only this page has.
function renewed(before, turn) {
  const numbered = (one) => Boolean(one?.sources.some((source) => source.label));
  // Ratings made after the server's report are known only here.
  const same = before?.phase === "done" && turn.phase === "done" && before.kept === turn.kept;
  const numbersCame = numbered(turn) !== numbered(before) || !before?.sources.length;
  return { ...turn, ratings: same ? before.ratings : turn.ratings, fresh: !before, numbersCame };
}

// Calls `drawn` now and after each change of the chat, once Gradio has drawn it.
function whenDrawn(drawn) {
  const waiting = setInterval(() => {
    const chat = document.getElementById("cw-chat");
    if (!chat) return;
    clearInterval(waiting);
    new MutationObserver(drawn).observe(chat, { childList: true, subtree: true });
    drawn();
  }, 100);
}

// If the session has ended, loading the page again leads to the sign-in page.
function leaveWhenSignedOut() {
  const watching = new PerformanceObserver((list) => {
    const signedIn = document.querySelector("[data-cw-do=leave]:not([hidden])");
    if (signedIn && list.getEntries().some((request) => request.responseStatus === 401)) location.reload();
  });
  watching.observe({ type: "resource" });
  document.addEventListener("submit", ({ target }) => { // who signs out is led there anyway
    if (target.querySelector("[data-cw-do=leave]")) watching.disconnect();
  });
}
