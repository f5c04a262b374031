// Keyboard shortcuts of the page while no text is typed and nothing lies over it; Escape in the box stops the answer.
//
//     listenToKeys({ openSettings, step })        step(1) goes to the next quote, step(-1) to the one before

import { settings } from "./settings.js";
import { isCovered } from "./views.js";

export function listenToKeys({ openSettings, step }) {
  const actions = {
    "/": () => document.querySelector("#cw-ask textarea")?.focus(),
    "?": () => openSettings(document.activeElement),
    n: () => step(1),
    p: () => step(-1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isCovered()) return;
    if (event.key === "Escape" && event.target.closest?.("#cw-ask")) {
      const stop = document.querySelector("#cw-ask .stop-button");
      if (stop) event.preventDefault();
      stop?.click();
    }
    if (!settings.keys || !Object.hasOwn(actions, event.key) || event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select")) return;
    event.preventDefault();
    actions[event.key]();
  });
}
