// A visitor's settings: theme, text size, model, single-key shortcuts, width of the chat (divider.js). This browser stores
// them. The page's head also loads this file, so that theme and size apply before anything else is drawn.

import { createDialog, el } from "./dom.js";

const KEPT = "cw-settings";
const USUAL = { theme: "system", size: "normal", model: "", keys: true, share: 0 };
const THEMES = { system: "As the system", light: "Light", dark: "Dark" };
const SIZES = { normal: "Normal", large: "Large", larger: "Larger" };
const SCALES = { normal: "", large: "115%", larger: "130%" };
const MODELS = { fast: "Fast", careful: "Careful" };
const KEYS = [
  ["/", "Go to the question box"], ["Enter", "Send the question"], ["Shift Enter", "A new line in it"],
  ["Esc", "In the box: stop the answer. Elsewhere: back, close"], ["n", "Next quote"], ["p", "Previous quote"], ["?", "This list"],
];
const night = window.matchMedia("(prefers-color-scheme: dark)");

export const settings = { ...USUAL };
try {
  const kept = JSON.parse(localStorage.getItem(KEPT)) || {};
  if (kept.theme in THEMES) settings.theme = kept.theme;
  if (kept.size in SIZES) settings.size = kept.size;
  if (kept.model in MODELS) settings.model = kept.model;
  if (kept.keys === false) settings.keys = false;
  if (Number.isFinite(kept.share)) settings.share = kept.share;
} catch { /* invalid JSON or unreadable: nothing was stored */ }

export function set(name, value) {
  settings[name] = value;
  try {
    localStorage.setItem(KEPT, JSON.stringify(settings));
  } catch { /* nothing can be stored: the setting lasts until the page is left */ }
  apply();
}

function apply() {
  const dark = settings.theme === "dark" || (settings.theme === "system" && night.matches);
  if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
  document.documentElement.style.fontSize = SCALES[settings.size];
}

apply();
night.addEventListener("change", apply);
// Gradio also sets the class, but only from the system's setting.
new MutationObserver(apply).observe(document.body, { attributes: true, attributeFilter: ["class"] });

/** The server's report on the models: {models, chosen, said}, empty if there is no choice. */
export const choice = () => JSON.parse(document.body.dataset.cwChoice || "{}");

/**
 * Make the dialog.
 *
 * @param {{onModel: (name: string) => void}} page what to do with a chosen model
 * @returns {{open: (opener: HTMLElement) => void}} `opener` gets the focus back
 */
export function createSettings({ onModel }) {
  const title = el("h2", { id: "cw-settings-title" }, "Settings");
  const close = el("button", { type: "button", class: "cw-plain", onclick: () => dialog.close() }, "Close");
  const said = el("p", { class: "cw-settings-said", role: "status" });
  const model = group("Model", "model", MODELS, (name) => { set("model", name); onModel(name); });
  const keys = el("input", { type: "checkbox", id: "cw-keys" });
  keys.addEventListener("change", () => set("keys", keys.checked));
  const { dialog, show } = createDialog({ class: "cw-settings", "aria-labelledby": title.id }, el("header", {}, title, close),
    group("Theme", "theme", THEMES, (value) => set("theme", value)),
    group("Text size", "size", SIZES, (value) => set("size", value)),
    model, said,
    el("p", {}, "Articles and questions are read in English only."),
    el("h3", {}, "Keyboard"),
    el("label", { class: "cw-keys", for: keys.id }, keys, "Single keys are shortcuts while nothing is being typed"),
    el("dl", {}, KEYS.map(([key, does]) => el("div", {}, el("dt", {}, key.split(" ").map((one) => el("kbd", {}, one))), el("dd", {}, does)))));

  function draw() {
    const { models, chosen, said: words = "" } = choice();
    model.hidden = !models;
    said.textContent = words;
    const now = { ...settings, model: chosen };
    for (const input of dialog.querySelectorAll("input[type=radio]")) {
      input.checked = now[input.name] === input.value;
      if (models && input.name === "model") input.parentElement.title = models[input.value] || "";
    }
    keys.checked = settings.keys;
  }
  new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["data-cw-choice"] });

  return {
    open(from) {
      if (dialog.open) return;
      draw();
      show(() => from);
    },
  };
}

function group(legend, name, values, choose) {
  return el("fieldset", { class: "cw-pair" }, el("legend", {}, legend), Object.entries(values).map(([value, text]) => {
    const input = el("input", { type: "radio", name, value });
    input.addEventListener("change", () => choose(value));
    return el("label", {}, input, text);
  }));
}
