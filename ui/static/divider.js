// The line between chat and sources: can be dragged or moved with the arrow keys; its position is stored.

import { el } from "./dom.js";
import { set, settings } from "./settings.js";

const LEAST = 30; // least width of the chat, in percent of the window
const MOST = 75;
const USUAL = 55;
const STEP = 2;

/** Put the divider between two columns of `main`; hidden on a phone, where the sources are a sheet. */
export function createDivider(main, right) {
  const line = el("div", { class: "cw-divider", role: "separator", tabindex: "0", "aria-orientation": "vertical", "aria-label": "Width of the chat", "aria-valuemin": LEAST, "aria-valuemax": MOST });
  right.before(line);

  function place(share) {
    const percent = Math.min(MOST, Math.max(LEAST, share));
    main.style.setProperty("--cw-share", `${percent}%`);
    line.setAttribute("aria-valuenow", Math.round(percent));
    return percent;
  }
  let share = place(settings.share || USUAL);
  const move = (to) => { share = place(to); };

  line.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    line.focus();
    line.setPointerCapture(event.pointerId);
  });
  line.addEventListener("pointermove", (event) => {
    if (!line.hasPointerCapture(event.pointerId)) return;
    const { left, width } = main.getBoundingClientRect();
    move((100 * (event.clientX - left)) / width);
  });
  line.addEventListener("pointerup", () => set("share", share));
  line.addEventListener("dblclick", () => { move(USUAL); set("share", share); });
  line.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: share - STEP, ArrowRight: share + STEP, Home: LEAST, End: MOST, Enter: USUAL }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
    set("share", share);
  });
}
