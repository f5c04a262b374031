// What a tab keeps over a reload, Back and Forward: its name, what is being typed, and the place in each conversation. Back
// first closes what lies over the page: the sheet of a phone, a drawer, the articles.
//
//     createVisit({ turns, panel, go }) -> { tab, id, show(id), toNewest(), follow(), retype(), keep(), lay(close, shown), lift(close) }

import { rooted, write } from "./dom.js";

const KEPT = "cw-visit";
const MOST_PLACES = 50;
const LATER_MS = [150, 500, 1200]; // until all of a conversation that is shown again is drawn; later on a slow machine
const ABOVE_PX = 16; // between the chat's top and the question whose answer is followed
const MOVES = ["wheel", "touchstart", "pointerdown", "keydown"]; // who moves about stays where they are
const LOST_MS = 3000; // an entry that is not taken away by then stays, and a conversation that is not shown by then is waited for no more
const OVER = "over"; // the state of an entry of the history that stands for what lies over the page

/**
 * Begin the visit of a tab.
 *
 * @param {{turns: Map, panel: object, go: (id: string) => void}} page turn id -> panel value, the panel of panel.js, and what
 *   shows another conversation, "" for a new one
 * @returns {object} `tab` is the tab's name, by which the server knows it again; `id` the conversation that its address asks
 *   for; `show` hears which one is shown now
 */
export function createVisit({ turns, panel, go }) {
  const wanted = new URLSearchParams(location.search);
  const id = wanted.get("c") || "";
  const begins = ["q", "draft", "tour"].some((name) => wanted.has(name));
  const came = performance.getEntriesByType("navigation")[0]?.type;
  const again = !begins && ["reload", "back_forward"].includes(came);
  let kept = {}; // {name, id of the conversation that was shown, draft, places}
  try {
    kept = JSON.parse(sessionStorage.getItem(KEPT)) || {};
  } catch { /* what is no JSON was not kept here */ }
  const { draft = "", places = {} } = kept;
  // Back leads to the conversation of the address, which need not be the one that the tab showed last.
  const name = (again && (came === "reload" || kept.id === id) && kept.name)
    || [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  let shown = ""; // id of the conversation
  let latest = ""; // the one that the server showed last
  let awaited = null; // the one that Back or Forward asked for, until it is shown
  let patience = 0; // its timer
  let address = location.pathname;
  const over = []; // what lies over the page, the newest last: {close, shown, entered}
  let leaving = 0; // entries of the history that are being taken away

  if (id) {
    address = rooted(`/c/${encodeURIComponent(id)}`);
    history.replaceState(history.state, "", address);
  }
  if (history.state === OVER) leave(); // loaded again with something over it, which is gone

  // ---- the place in a conversation, and what is being typed

  const chat = () => document.querySelector("#cw-chat .bubble-wrap");
  let until = () => {}; // ends what still scrolls
  function untilMoved(end) {
    until();
    const stop = (event) => {
      if (event?.target.closest?.("#cw-ask")) return; // who types stays where they are, too
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

  // The newest question is kept at the top while its answer grows below; of a long one its end, so that the answer begins
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
  save(); // a tab that never gets further has its name

  function restore() {
    const place = places[shown];
    if (!place) return;
    const turn = order()[place.turn];
    if (turn) panel.select(turn, place.key);
    scroll(place.top);
  }

  /** Put back what was being typed; once the box takes questions. */
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

  // No entry is made while another one is being taken away: that would take away the new one.
  function settle() {
    if (leaving) return;
    if (location.pathname !== address) history.pushState(null, "", address);
    for (const one of over) {
      if (!one.entered) history.pushState(OVER, "", address);
      one.entered = true;
    }
  }

  /** Something lies over the page now; `close` takes it away, or goes a step back in it. */
  function lay(close, isShown) {
    over.push({ close, shown: isShown, entered: false });
    settle();
  }

  /** What was laid over the page is gone; where Back did not do it, its entry goes too. */
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
      if (top.shown()) lay(top.close, top.shown); // it went a step back in itself
      return;
    }
    if (history.state === OVER) return leave(); // Forward leads to what has been closed
    address = location.pathname;
    const other = decodeURIComponent(/^c\/(.+)$/.exec(address.slice(rooted("/").length))?.[1] || "");
    if (other === (awaited ?? shown)) return;
    if (awaited === null) keep();
    awaited = other;
    clearTimeout(patience);
    patience = setTimeout(() => {
      awaited = null;
      show(latest);
    }, LOST_MS);
    go(other);
  });

  // Back and Forward can be faster than the server: what it shows of a step that was taken back meanwhile is passed over.
  function show(next) {
    latest = next;
    if (awaited !== null && next !== awaited) return;
    if (awaited !== null) clearTimeout(patience);
    awaited = null;
    if (next === shown) return;
    shown = next;
    address = rooted(next ? `/c/${encodeURIComponent(next)}` : "/");
    settle();
    restore();
    save();
  }

  return { tab: name, id, show, toNewest, follow, retype, keep, lay, lift };
}
