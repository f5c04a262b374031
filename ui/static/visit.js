// What a tab remembers over a reload, Back and Forward: its name, the text being typed, and the place in each conversation.
// Back first closes whatever lies over the page: the sheet of a phone, a drawer, the articles.
//
//     createVisit({ turns, panel, go }) -> { tab, id, move(id), moving(), arrived(), show(id, step), toNewest(), follow(), retype(),
//       lay(close, shown), lift(close) }

import { rooted, write } from "./dom.js";

const KEPT = "cw-visit";
const MOST_PLACES = 50;
const LATER_MS = [150, 500, 1200]; // times until a conversation is fully drawn; longer on a slow machine
const ABOVE_PX = 16; // between the top of the chat and the followed question
const MOVES = ["wheel", "touchstart", "pointerdown", "keydown"]; // a visitor who scrolls or types stays where they are
const LOST_MS = 3000; // after this time an entry that is still there stays, and a conversation that is not shown is no longer awaited
const OVER = "over"; // the state of a history entry that stands for something over the page

/**
 * Begin the visit of a tab.
 *
 * @param {{turns: Map, panel: object, go: (id: string, step: number) => void}} page turn id -> panel value; the panel of panel.js; a
 *   function that shows another conversation, "" for a new one
 * @returns {object} `tab` is the tab's name, by which the server recognises it; `id` the conversation in its address;
 *   `show` is told which conversation is shown now
 */
export function createVisit({ turns, panel, go }) {
  const wanted = new URLSearchParams(location.search);
  const id = wanted.get("c") || "";
  const begins = ["q", "draft", "tour"].some((name) => wanted.has(name));
  const came = performance.getEntriesByType("navigation")[0]?.type;
  const again = !begins && ["reload", "back_forward"].includes(came);
  let kept = {}; // {name, id of the shown conversation, draft, places}
  try {
    kept = JSON.parse(sessionStorage.getItem(KEPT)) || {};
  } catch { /* invalid JSON: nothing was stored */ }
  const { draft = "", places = {} } = kept;
  // Back leads to the conversation in the address, which may differ from the tab's last one.
  const name = (again && (came === "reload" || kept.id === id) && kept.name)
    || [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  let shown = ""; // id of the conversation
  let latest = ""; // the one that the server reported last
  let target = ""; // the one that the newest step leads to
  let steps = 0; // from one conversation to another
  let awaiting = false; // whether the conversation of the newest step is not shown yet
  const held = []; // callers that wait for it
  let patience = 0; // its timer
  let address = location.pathname;
  const over = []; // parts over the page, the newest last: {close, shown, entered}
  let leaving = 0; // number of history entries being removed

  if (id) {
    address = rooted(`/c/${encodeURIComponent(id)}`);
    history.replaceState(history.state, "", address);
  }
  if (history.state === OVER) leave(); // reloaded with something over the page, which is gone now

  // ---- the place in a conversation, and the text being typed

  const chat = () => document.querySelector("#cw-chat .bubble-wrap");
  let until = () => {}; // ends a scroll in progress
  function untilMoved(end) {
    until();
    const stop = (event) => {
      if (event?.target.closest?.("#cw-ask")) return; // typing in the box also keeps the place
      end();
      for (const by of MOVES) document.removeEventListener(by, stop, true);
    };
    for (const by of MOVES) document.addEventListener(by, stop, true);
    until = stop;
  }
  function scroll(top) {
    const waits = LATER_MS.map((later) => setTimeout(() => chat()?.scrollTo(0, top), later));
    untilMoved(() => waits.forEach(clearTimeout));
  }

  // The newest question stays at the top while its answer grows below; of a long question its end, so that the answer is
  // in view.
  let following = false;
  function follow() {
    const frame = chat();
    const [question, answer] = ["question", "answer"].map((part) => [...(frame?.querySelectorAll(`.cw-${part}`) || [])].at(-1));
    if (!following || !question || !answer) return;
    const top = frame.getBoundingClientRect().top;
    const [asked, told] = [question, answer].map((part) => part.getBoundingClientRect().top - top);
    frame.scrollBy(0, Math.max(asked - ABOVE_PX, told - frame.clientHeight / 2));
  }
  function toNewest() {
    untilMoved(() => { following = false; });
    following = true;
    follow();
  }
  const order = () => [...turns].filter(([, value]) => value.kept).map(([turn]) => turn);

  function keep() {
    const frame = chat();
    if (shown && frame) {
      delete places[shown];
      places[shown] = { top: frame.scrollTop, turn: order().indexOf(panel.current.turn), key: panel.current.key };
      for (const old of Object.keys(places).slice(0, -MOST_PLACES)) delete places[old];
    }
    save();
  }
  function save() {
    const typed = document.querySelector("#cw-ask textarea")?.value || "";
    sessionStorage.setItem(KEPT, JSON.stringify({ name, id: shown, draft: typed, places }));
  }
  window.addEventListener("pagehide", keep);
  save(); // stores the name even if the tab is closed at once

  function restore() {
    const place = places[shown];
    if (!place) return;
    const turn = order()[place.turn];
    if (turn) panel.select(turn, place.key);
    scroll(place.top);
  }

  /** Restore the text being typed, once the box accepts questions. */
  function retype() {
    const box = document.querySelector("#cw-ask textarea");
    if (again && draft && box && !box.value) write(draft);
  }

  // ---- the history

  function leave() {
    leaving += 1;
    history.back();
    setTimeout(() => {
      if (!leaving) return;
      leaving = 0;
      settle();
    }, LOST_MS);
  }

  // No entry is added while another one is being removed: that would remove the new one.
  function settle() {
    if (leaving) return;
    if (location.pathname !== address) history.pushState(null, "", address);
    for (const one of over) {
      if (!one.entered) history.pushState(OVER, "", address);
      one.entered = true;
    }
  }

  /** Register a part over the page; `close` removes it, or goes one step back inside it. */
  function lay(close, isShown) {
    over.push({ close, shown: isShown, entered: false });
    settle();
  }

  /** A part over the page is gone; if Back did not close it, its history entry is removed too. */
  function lift(close) {
    const at = over.findIndex((one) => one.close === close);
    if (at < 0) return;
    const [{ entered }] = over.splice(at, 1);
    if (entered) leave();
  }

  window.addEventListener("popstate", () => {
    if (leaving) {
      leaving -= 1;
      return settle();
    }
    const top = over.pop();
    if (top) {
      top.close();
      if (top.shown()) lay(top.close, top.shown); // it went one step back inside
      return;
    }
    if (history.state === OVER) return leave(); // Forward leads to something already closed
    address = location.pathname;
    const other = decodeURIComponent(/^c\/(.+)$/.exec(address.slice(rooted("/").length))?.[1] || "");
    if (other !== (awaiting ? target : shown)) move(other);
  });

  /** Show another conversation, "" for a new one. */
  function move(to) {
    if (!awaiting) keep();
    target = to;
    awaiting = true;
    steps += 1;
    clearTimeout(patience);
    patience = setTimeout(() => show(latest, steps), LOST_MS);
    go(to, steps);
  }

  const moving = () => awaiting;
  /** Resolve once the conversation that was asked for is shown: a question before that would go to the old one. */
  const arrived = () => new Promise((resolve) => (awaiting ? held.push(resolve) : resolve()));

  // Steps can be faster than the server: a response to a step that was reversed meanwhile is ignored.
  function show(next, step) {
    if (step && step !== steps) return;
    latest = next;
    if (awaiting && !step) return;
    clearTimeout(patience);
    awaiting = false;
    held.splice(0).forEach((resolve) => resolve());
    if (next === shown) return;
    shown = next;
    address = rooted(next ? `/c/${encodeURIComponent(next)}` : "/");
    settle();
    restore();
    save();
  }

  return { tab: name, id, move, moving, arrived, show, toNewest, follow, retype, lay, lift };
}
