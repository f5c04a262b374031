// Work at page load: focuses the box, resumes the conversation of the tab, and does what the address of the page asks
// for.
//
//     arrive({ ask, resume, tour })

import { desk, el, write } from "./dom.js";

export function arrive({ ask, resume, tour }) {
  const wanted = new URLSearchParams(location.search);
  // A reload must not repeat these.
  const once = (run) => whenReady(() => { window.history.replaceState(null, "", location.pathname); run(); });

  whenReady(focusBox);
  whenReady(resume);
  if (wanted.get("q")) once(() => ask(wanted.get("q")));
  if (wanted.get("draft")) once(() => offer(wanted.get("draft"), ask));
  if (wanted.has("tour")) whenReady(tour);
  const early = followed();
  if (early) once(() => example(early)?.click());
}

// The link that was clicked before the scripts had loaded: it is in the address, and the page was not opened with it.
function followed() {
  const opened = performance.getEntriesByType("navigation")[0]?.name || "";
  return opened.endsWith(location.hash) ? "" : location.hash;
}

const example = (link) => [...document.querySelectorAll("#cw-chat a.cw-example")].find((one) => one.getAttribute("href") === link);

function whenReady(run) {
  if (document.body.dataset.cwState === "ready") return run();
  const seen = new MutationObserver(() => {
    if (document.body.dataset.cwState !== "ready") return;
    seen.disconnect();
    run();
  });
  seen.observe(document.body, { attributes: true, attributeFilter: ["data-cw-state"] });
  return undefined;
}

// At a desk people type at once. An existing focus stays.
function focusBox() {
  if (!desk.matches) return;
  const box = document.querySelector("#cw-ask textarea");
  const enabled = setInterval(() => {
    if (box?.disabled) return;
    clearInterval(enabled);
    if (document.activeElement === document.body && !document.querySelector(".cw-tour")) box?.focus();
  }, 50);
}

// Offers the question of a link on another page; only a click asks it.
function offer(question, ask) {
  const end = () => { write(""); bar.remove(); document.querySelector("#cw-ask textarea")?.focus(); };
  const bar = el("div", { class: "cw-offer", role: "group", "aria-label": "A question from a link" },
    el("p", {}, "A link on another page brought this question:"), el("p", { class: "cw-offered", dir: "auto" }, question),
    el("button", { type: "button", class: "cw-main-button", onclick: () => { end(); ask(question); } }, "Ask this"),
    el("button", { type: "button", class: "cw-plain", onclick: end }, "Dismiss"));
  document.getElementById("cw-ask").before(bar);
  write(question);
  bar.querySelector("button").focus();
}
