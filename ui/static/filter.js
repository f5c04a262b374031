// The articles that the chat asks; ticks in the panel, the Articles view and the line above the box change them.
//
//     createFilter({ trigger, onSettled }) -> { inForce(), choose(filter), wish(articles) }
//
// The server reports the current filters in `data-cw-filter`; `onSettled(articles)` is called when they are as wished.

const RESEND_MS = 300;
const WISH_MS = 20000;

export function createFilter({ trigger, onSettled }) {
  let wished = null; // {articles, until}
  let timer = 0;

  function inForce() {
    const { from = "", to = "", outlets = [], articles = [] } = JSON.parse(document.body.dataset.cwFilter || "{}");
    return { from, to, outlets, articles };
  }

  function choose(filter) {
    wished = null;
    trigger("cw_filter", filter);
  }

  // Gradio drops an event while the server still answers an earlier one, so the wished filters are sent again until they
  // are in force, one event at a time.
  function wish(articles) {
    wished = { articles, until: performance.now() + WISH_MS };
    if (!timer) send();
  }

  function send() {
    timer = setTimeout(check, RESEND_MS);
    trigger("cw_filter", { ...inForce(), articles: wished.articles });
  }

  function check() {
    timer = 0;
    const { articles } = inForce();
    if (wished && performance.now() < wished.until && wished.articles.join("\n") !== articles.join("\n")) return send();
    wished = null;
    onSettled(articles);
  }

  new MutationObserver(() => timer || check()).observe(document.body, { attributes: true, attributeFilter: ["data-cw-filter"] });
  return { inForce, choose, wish };
}
