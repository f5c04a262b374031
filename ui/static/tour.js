// The guided tour of `citewire demo`: it types a question, waits for the answer, points at a part of it, and goes on.
//
//     createTour({ ask, newChat }) -> { start() }
//
// `ask(question)` resolves when it is answered. The steps come from citewire.ui.tour; without the route /tour there is
// no tour.

import { el, rooted, still, write } from "./dom.js";

const TYPED_MS = 35; // milliseconds for each letter
const READ_MS = 330; // milliseconds for each word: 180 words a minute, because viewers also look elsewhere
const LEAST_MS = 4500;
const LOOKS = { quote: "mark.cw-on", searched: ".cw-searched", conflict: ".cw-conflict", refusal: ".cw-abstain", reply: ".cw-lead", list: "ul.cw-text" };

export function createTour({ ask, newChat }) {
  let paused = false;
  let ended = false;
  let hurry = false; // Next was pressed: the current wait ends
  let wake = () => {};
  let pointed = null; // a name of LOOKS
  let pace = 1; // factor on the time that a caption stays

  const place = el("span", { class: "cw-tour-place" });
  const title = el("b", {});
  const caption = el("p", { class: "cw-tour-caption", "aria-live": "polite" });
  const pause = el("button", { type: "button", class: "cw-plain", "aria-pressed": "false", onclick: () => hold(!paused) }, "Pause");
  const next = el("button", { type: "button", class: "cw-main-button", onclick: () => { hold(false); hurry = true; wake(); } }, "Next");
  const quit = el("button", { type: "button", class: "cw-plain", onclick: end }, "Quit");
  const bar = el("section", { class: "cw-tour", "aria-label": "Guided tour" },
    el("div", { class: "cw-tour-words" }, el("p", { class: "cw-tour-title" }, place, title), caption),
    el("div", { class: "cw-tour-buttons" }, pause, next, quit));
  const ring = el("div", { class: "cw-tour-ring", "aria-hidden": "true", hidden: true });

  async function start() {
    const answer = await fetch(rooted("/tour")).catch(() => null);
    if (!answer?.ok) return;
    const { steps, end: last, pace: asked } = await answer.json();
    pace = asked;
    document.body.append(bar, ring);
    document.body.classList.add("cw-touring");
    bar.addEventListener("keydown", (event) => event.key === "Escape" && end());
    next.focus();
    newChat();
    for (const [at, step] of steps.entries()) {
      if (!ended) await take(step, `${at + 1} of ${steps.length}`);
    }
    if (ended) return;
    point(null);
    say("", "The end", last);
    pause.hidden = next.hidden = true;
    quit.textContent = "Close the tour";
    quit.focus();
  }

  async function take(step, at) {
    point(null);
    document.querySelector("#cw-right.cw-opened .cw-close")?.click();
    say(at, step.title, step.before);
    await type(step.question);
    await reading(step.before, LEAST_MS / 2);
    if (ended) return;
    await idle();
    say(at, step.title, step.waiting);
    next.disabled = true;
    const before = answers().length;
    const answered = ask(step.question);
    write("");
    await Promise.race([answered, over()]);
    next.disabled = false;
    if (ended) return;
    // The chat is drawn after its state arrives; until then the last answer belongs to the question before.
    await until(() => answers().length > before && lastAnswer() && !lastAnswer().querySelector(":scope > .cw-busy"), 100);
    if (step.look === "quote") lastAnswer()?.querySelector("a.cw-chip")?.click(); // on a phone this opens the sheet
    const found = await until(() => shown(step.look));
    say(at, step.title, found ? step.after : step.otherwise);
    point(found ? step.look : null);
    await reading(step.after, LEAST_MS);
  }

  function say(at, words, text) {
    place.textContent = at;
    title.textContent = words;
    caption.textContent = text;
  }

  function end() {
    ended = true;
    wake();
    point(null);
    bar.remove();
    ring.remove();
    document.body.classList.remove("cw-touring");
    document.querySelector("#cw-ask textarea")?.focus();
  }

  // ---- waiting that Pause, Next and Quit can change

  function hold(on) {
    paused = on;
    pause.textContent = on ? "Go on" : "Pause";
    pause.setAttribute("aria-pressed", String(on));
    wake();
  }

  // Resolves after a time without counting pauses; at once when Next or Quit is pressed.
  async function wait(milliseconds) {
    let left = milliseconds;
    while (left > 0 && !ended && !hurry) {
      const began = performance.now();
      const running = !paused;
      await new Promise((done) => {
        const timer = running ? setTimeout(done, left) : 0;
        wake = () => { clearTimeout(timer); done(); };
      });
      if (running) left -= performance.now() - began;
    }
  }

  async function reading(text, least) {
    await wait(pace * Math.max(least, text.split(" ").length * READ_MS));
    hurry = false;
  }

  const over = () => new Promise((done) => {
    const look = setInterval(() => ended && (clearInterval(look), done()), 100);
  });

  // Waits until no answer is being written: the visitor may have asked a question.
  async function idle() {
    while (!ended && !["done", "empty", undefined].includes(document.body.dataset.cwPhase)) await new Promise((done) => setTimeout(done, 200));
  }

  // ---- the page

  async function type(question) {
    for (let length = 1; length < question.length && !still.matches && !hurry && !ended; length += 1) {
      write(question.slice(0, length));
      await wait(TYPED_MS);
    }
    if (!ended) write(question);
  }

  const answers = () => document.querySelectorAll("#cw-chat .cw-answer");

  const lastAnswer = () => [...answers()].at(-1);

  const shown = (look) => (look === "quote" ? document : lastAnswer())?.querySelector(LOOKS[look]);

  // Returns the result of `find` once it is drawn, or nothing after a time limit.
  async function until(find, most = 20) {
    for (let tries = 0; tries < most && !ended && !find(); tries += 1) await new Promise((done) => setTimeout(done, 100));
    return find();
  }

  // Draws the ring around a part of the answer and keeps it there while the chat is redrawn and scrolls.
  function point(look) {
    pointed = look;
    ring.hidden = true;
    if (!look) return;
    shown(look)?.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
    const follow = () => {
      if (pointed !== look || ended) return;
      const target = shown(look);
      ring.hidden = !target;
      if (target) {
        const { left, top, width, height } = target.getBoundingClientRect();
        Object.assign(ring.style, { left: `${left - 6}px`, top: `${top - 6}px`, width: `${width + 12}px`, height: `${height + 12}px` });
      }
      requestAnimationFrame(follow);
    };
    follow();
  }

  return { start };
}
