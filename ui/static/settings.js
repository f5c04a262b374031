// What a visitor has set up: theme, size of the text, which model answers, whether single keys are shortcuts, the share of
// the window that the chat has (divider.js). It is kept in this browser. The page's head loads this file too, so that theme and size hold before anything else is drawn.

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
} catch { /* what is no JSON, or may not be read, was not kept here */ }

export function set(name, value) {
  settings[name] = value;
  try {
    localStorage.setItem(KEPT, JSON.stringify(settings));
  } catch { /* a browser that keeps nothing: it holds until the page is left */ }
  apply();
}

function apply() {
  const dark = settings.theme === "dark" || (settings.theme === "system" && night.matches);
  if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
  document.documentElement.style.fontSize = SCALES[settings.size];
}

apply();
night.addEventListener("change", apply);
// Gradio sets the class too, by the system alone.
new MutationObserver(apply).observe(document.body, { attributes: true, attributeFilter: ["class"] });

/** What the server says of the models: {models, chosen, said}, empty where there is no choice. */
export const choice = () => JSON.parse(document.body.dataset.cwChoice || "{}");

/**
 * Make the dialog.
 *
 * @param {{onModel: (name: string) => void}} page what to do with a model that was chosen
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
