// Runs the small evaluation on the page of figures: start, progress, stop.

import { asked } from "./dom.js";

const LOOK_MS = 1500;
const place = document.getElementById("own");
const find = (name) => place.querySelector(`[data-do=${name}]`);
const [start, stop, bar, said] = ["start", "stop", "bar", "said"].map(find);
let stopping = false;

function show({ running, done, of, problem }) {
  start.hidden = running;
  stop.hidden = bar.hidden = !running;
  bar.max = of;
  bar.value = done;
  const far = stopping ? "Stops after this question" : `${done} of at most ${of} questions answered`;
  said.textContent = running ? far : problem;
}

async function look() {
  let progress;
  try {
    progress = await asked("GET", "/figures/run");
  } catch (error) {
    said.textContent = error.message;
    return setTimeout(look, LOOK_MS);
  }
  show(progress);
  if (progress.running) return setTimeout(look, LOOK_MS);
  if (progress.done) location.reload(); // shows the result
}

async function press(method) {
  try {
    await asked(method, "/figures/run");
  } catch (error) {
    said.textContent = error.message;
    return;
  }
  stopping = method === "DELETE";
  if (stopping) said.textContent = "Stops after this question";
  else {
    show({ running: true, done: 0, of: bar.max, problem: "" });
    stop.focus();
    look();
  }
}

start?.addEventListener("click", () => press("POST"));
stop?.addEventListener("click", () => press("DELETE"));
if (start && place.dataset.running) look();
