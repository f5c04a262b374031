// The views beside the chat, each loaded at first use and opened by its button.
//
//     createViews({ openers, visit }) -> { get(name), open(name, button), overlaid() }
//
// `openers` make the views, by the names of `data-cw-do`. Views over the page are registered with `visit`, so that Back closes them.

import { announce } from "./dom.js";

export const OVER = "dialog[open], .cw-articles:not([hidden])";

export const isCovered = () => document.querySelector(OVER) !== null;

export function createViews({ openers, visit }) {
  const made = {};
  const get = async (name) => (made[name] ??= await openers[name]());

  async function open(name, button) {
    try {
      const opening = (await get(name)).open(button);
      overlaid();
      await opening;
    } catch {
      announce("This view could not be opened. Is citewire still running?");
    }
  }

  // The opened drawer, or the Articles view, lies over the page until it is hidden.
  function overlaid() {
    const part = [...document.querySelectorAll(OVER)].at(-1);
    if (!part || part.dataset.cwOver) return;
    const isShown = () => part.open ?? !part.hidden;
    const close = () => (part.close ? part.close() : made.articles.back());
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

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-cw-do]");
    if (openers[button?.dataset.cwDo]) open(button.dataset.cwDo, button);
  });
  return { get, open, overlaid };
}
