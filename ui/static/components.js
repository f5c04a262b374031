// The contents of the top bar and of the lines around the box, from the values of citewire.ui.page. Each function gets
// the arguments that Gradio passes to the script of its gr.HTML.

const WORDS = { loading: "Loading model", ready: "Ready", failed: "Model not loaded" };

export function head({ element, props, watch }) {
  const find = (name) => element.querySelector(name);
  function show() {
    const value = props.value || { state: "loading", corpus: "", model: "" };
    find(".cw-status").dataset.state = value.state;
    find(".cw-status").title = value.model;
    find(".cw-status-text").textContent = WORDS[value.state] + (value.model ? `: ${value.model}` : "");
    find(".cw-corpus").textContent = value.corpus;
    for (const name of ["articles", "history"]) find(`[data-cw-do=${name}]`).hidden = !value[name];
    document.body.toggleAttribute("data-cw-overview", Boolean(value.overview));
    document.body.toggleAttribute("data-cw-read-only", Boolean(value.read_only));
    document.body.dataset.cwState = value.state;
  }
  find("[data-cw-do=leave]").hidden = !props.leave;
  watch("value", show);
  show();
}

export function hint({ element, props, watch }) {
  function show() {
    element.querySelector("span").textContent = props.value || "";
    element.querySelector("a").hidden = !props.figures || props.value !== props.usual;
    element.querySelector("p").classList.toggle("cw-notice", props.value !== props.usual);
  }
  watch("value", show);
  show();
}

export function filter({ element, props, watch }) {
  function show() {
    element.querySelector("p").hidden = !props.value.words;
    element.querySelector("span").textContent = props.value.words;
    document.body.dataset.cwFilter = JSON.stringify(props.value);
  }
  watch("value", show);
  show();
}

export function model({ element, props, watch }) {
  function show() {
    const value = props.value || {};
    element.querySelector(".cw-model-said").textContent = value.said || "";
    document.body.dataset.cwModel = value.state || "";
    document.body.dataset.cwChoice = JSON.stringify(value);
  }
  watch("value", show);
  show();
}
