// Links and sentences of the chat: numbers, reasons, copies, ratings, export. Links are "#cw-<action>-<turn>", with
// "-<key>" for some actions. Gradio redraws the chat with every word, so listeners are on the document.

import { announce, copyText, el, narrow, rooted } from "./dom.js";

const LINK = /^#cw-(cite|flag|copy|pin|open|retry|quotes|example|suggestion|right|wrong|more)-([a-z0-9]+)(?:-([A-Za-z0-9]+))?$/;
const CLAIM = /\bcw-claim-(t\d+)-(\d+)\b/;
const LEAVE_MS = 250; // most time for the pointer to move from a link to its preview
const touch = window.matchMedia("(hover: none)");

const inChat = (node) => (node?.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.("#cw-chat");

function parse(link) {
  const match = LINK.exec(link?.getAttribute("href") || "");
  return match && { action: match[1], turn: match[2], key: match[3] || "" };
}

function linkAt(event) {
  return event.target.closest?.('#cw-chat a[href^="#cw-"]');
}

function claimAt(node) {
  const sentence = (node?.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.("#cw-chat .cw-claim");
  const match = sentence && CLAIM.exec(sentence.className);
  return match && { sentence, turn: match[1], position: match[2] };
}

// turns: turn id -> panel value; panel: see panel.js; act: {ask, retry, rate, exports, pin(turn), pinned(turn)}.
export function createLinks({ turns, panel, act }) {
  const tip = el("div", { class: "cw-tip", role: "tooltip", id: "cw-tip" });
  const menu = el("div", { class: "cw-menu", role: "group", "aria-label": "Export" });
  tip.hidden = menu.hidden = true;
  (document.querySelector("main") || document.body).append(tip, menu);
  let tipOf = null;
  let tipBelow = false;
  let leaving = 0;
  let menuOf = null;

  const sourceOf = (turn, key) => turns.get(turn)?.sources.find((source) => source.key === key);
  const find = (href) => [...document.querySelectorAll("#cw-chat a")].find((a) => a.getAttribute("href") === href);
  const claimOf = (node) => {
    const at = claimAt(node);
    return at && turns.get(at.turn)?.claims[at.position];
  };

  // ---- the small box beside a link: the quote of a number, the reason of a warning, "Copied"

  function place(box, link, below) {
    box.hidden = false;
    const at = link.getBoundingClientRect();
    const left = Math.min(innerWidth - box.offsetWidth - 8, at.left + at.width / 2 - box.offsetWidth / 2);
    const above = at.top - box.offsetHeight - 8;
    const under = at.bottom + 8;
    const fits = under + box.offsetHeight < innerHeight - 8;
    box.style.left = `${Math.max(8, left)}px`;
    box.style.top = `${above > 8 && (!below || !fits) ? above : under}px`;
  }

  function showTip(link, below, ...content) {
    clearTimeout(leaving);
    tipOf?.removeAttribute("aria-describedby");
    tip.replaceChildren(...content);
    tipOf = link;
    tipBelow = below;
    link.setAttribute("aria-describedby", "cw-tip");
    place(tip, link, below);
  }

  function hideTip() {
    clearTimeout(leaving);
    tip.hidden = true;
    tipOf?.removeAttribute("aria-describedby");
    tipOf = null;
  }

  let pointer = "";

  // A link that moves under a resting pointer opens nothing, because nobody pointed at it.
  function moved(event) {
    const before = pointer;
    pointer = `${event.clientX} ${event.clientY}`;
    return pointer !== before;
  }

  function preview(event) {
    if (event.type === "mouseover" && !moved(event)) return;
    if (event.target.closest?.(".cw-tip")) return clearTimeout(leaving);
    const link = linkAt(event);
    const { action, turn, key } = parse(link) || {};
    const source = action === "cite" && sourceOf(turn, key);
    const { words, answers } = claimOf(link) || {};
    if (source && !(narrow.matches && touch.matches)) {
      const article = turns.get(turn).articles[source.article];
      showTip(link, false, el("small", {}, [article.byline, source.page].filter(Boolean).join(", ")), el("b", {}, article.title), el("q", {}, source.quote), words ? el("small", { class: "cw-verdict" }, words) : null, answers ? el("small", { class: "cw-answers" }, answers) : null);
    } else if (action === "flag") {
      showTip(link, true, el("p", {}, turns.get(turn)?.claims[key]?.words || ""));
    } else if (event.type === "focusin") {
      hideTip();
    } else if (!tip.hidden) {
      clearTimeout(leaving);
      leaving = setTimeout(hideTip, LEAVE_MS);
    }
  }

  // ---- a clicked or selected sentence opens its evidence

  function showEvidence(claims, anchor, { open }) {
    const { turn } = claims[0];
    const known = claims.map(({ position }) => turns.get(turn)?.claims[position]).filter(Boolean);
    const keys = [...new Set(known.flatMap((claim) => claim.keys))];
    if (keys.length) {
      hideTip();
      if (open || !narrow.matches) panel.select(turn, keys[0], { from: () => find(`#cw-cite-${turn}-${keys[0]}`), focus: false, claim: claims[0].position });
      announce(keys.length === 1 ? `Evidence: quote ${keys[0]}` : `Evidence: quotes ${keys.join(", ")}`);
    } else if (known.length) {
      showTip(anchor, true, el("p", {}, `This sentence has no quote. ${known[0].words}`));
    }
  }

  let selecting = 0;
  document.addEventListener("selectionchange", () => {
    clearTimeout(selecting);
    selecting = setTimeout(() => {
      const selection = document.getSelection();
      if (!selection || selection.isCollapsed || !inChat(selection.anchorNode)) return;
      const chosen = [...document.querySelectorAll("#cw-chat .cw-claim")].filter((sentence) => selection.containsNode(sentence, true));
      const claims = chosen.map(claimAt);
      const turn = claimAt(selection.anchorNode)?.turn || claims[0]?.turn;
      const own = claims.filter((claim) => claim.turn === turn);
      if (own.length) showEvidence(own, own[0].sentence, { open: false });
    }, LEAVE_MS);
  });

  // Moves by that many quotes, from the last one on to the first; to the first if none is open.
  function step(by) {
    const turn = panel.current.turn;
    const keys = (turns.get(turn)?.sources || []).filter((source) => source.label).map((source) => source.key);
    if (!keys.length) return announce("There is no quote to go to");
    const at = panel.leavable ? keys.indexOf(panel.current.key) + by : 0;
    const key = keys[(at + keys.length) % keys.length];
    hideTip();
    panel.select(turn, key, { from: () => find(`#cw-cite-${turn}-${key}`) });
    announce(`Quote ${key}, ${keys.indexOf(key) + 1} of ${keys.length}`);
  }

  // ---- copies and menus

  async function copy(link, text) {
    await copyText(text, link);
    showTip(link, true, el("p", {}, "Copied"));
    announce("Copied");
  }

  function closeMenu(focus) {
    if (menu.hidden) return;
    menu.hidden = true;
    if (focus) (find(menuOf) || document.body).focus();
    menuOf = null;
  }

  function openMenu(link, turn) {
    hideTip();
    const ask = new URL(rooted("/"), location.href);
    ask.searchParams.set("q", turns.get(turn)?.question || "");
    menuOf = link.getAttribute("href");
    menu.replaceChildren(
      el("p", {}, "This conversation with its quotes:"),
      ...act.exports().map(({ label, href }) => el("a", { href, download: true }, label)),
      el("button", { type: "button", onclick: () => { closeMenu(true); copy(find(`#cw-more-${turn}`) || link, ask.href); } }, "Copy a link that asks this question"));
    place(menu, link, false);
    menu.querySelector("a, button").focus();
  }

  async function rate(link, turn, value) {
    const fault = await act.rate(turn, "answer", value);
    if (fault) showTip(link, true, el("p", {}, fault));
  }

  document.addEventListener("click", (event) => {
    const link = linkAt(event);
    const { action, turn, key } = parse(link) || {};
    if (!event.target.closest?.(".cw-menu, .cw-more")) closeMenu(false);
    if (event.target.closest?.(".cw-menu a")) closeMenu(true);
    if (!action) {
      const claim = claimAt(event.target);
      if (!event.target.closest?.(".cw-tip")) hideTip();
      if (!claim || event.target.closest("a") || !document.getSelection().isCollapsed) return;
      event.preventDefault();
      showEvidence([claim], claim.sentence, { open: true });
      return;
    }
    event.preventDefault();
    if (action === "flag") return preview(event);
    hideTip();
    const from = () => find(link.getAttribute("href"));
    if (action === "cite") panel.select(turn, key, { from, claim: claimAt(link)?.position });
    if (action === "open") panel.select(turn, turns.get(turn)?.sources[0]?.key, { from });
    if (action === "copy") copy(link, turns.get(turn)?.copy || "");
    if (action === "pin") act.pin(turn);
    if (action === "retry" || action === "quotes") act.retry(action === "quotes");
    if (action === "example") act.ask(link.textContent.trim());
    if (action === "suggestion") act.ask(turns.get(turn)?.suggestions[Number(key)] || link.textContent.trim());
    if (action === "right" || action === "wrong") rate(link, turn, action);
    if (action === "more") openMenu(link, turn);
  });
  window.addEventListener("resize", () => {
    if (tipOf) place(tip, tipOf, tipBelow);
    const link = menuOf && find(menuOf);
    link?.scrollIntoView({ block: "nearest" });
    if (link) place(menu, link, false);
  });
  document.addEventListener("mouseover", preview);
  document.addEventListener("mousemove", moved);
  document.addEventListener("focusin", preview);
  document.addEventListener("focusin", (event) => { if (!menu.contains(event.target)) closeMenu(false); });
  document.addEventListener("keydown", (event) => {
    // Links that act as buttons also react to Space.
    if (event.key === " " && linkAt(event)?.getAttribute("role") === "button") {
      event.preventDefault();
      linkAt(event).click();
    }
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (!menu.hidden) return closeMenu(true);
    hideTip();
    if (panel.leavable) panel.close();
  });

  // Suggestions that arrive after an answer; the answer itself is not redrawn.
  function offer() {
    for (const spot of document.querySelectorAll('#cw-chat [class*="cw-sought-"]')) {
      const turn = /\bcw-sought-(t\d+)\b/.exec(spot.className)?.[1];
      const { suggestions = [], suggesting, refused } = turns.get(turn) || {};
      const looking = Boolean(suggesting && refused); // under an answer they appear without a notice
      const told = JSON.stringify([suggestions, looking]);
      if (spot.dataset.told === told || (!suggestions.length && !looking && !spot.firstChild)) continue;
      spot.dataset.told = told;
      spot.replaceChildren(
        ...(suggestions.length ? [el("p", { class: "cw-suggest-title" }, "You can also ask:"), el("ul", {}, suggestions.map((question, i) =>
          el("li", {}, el("a", { class: "cw-suggestion", href: `#cw-suggestion-${turn}-${i}` }, question))))] : []),
        ...(looking ? [el("p", { class: "cw-busy" }, "Looking for questions that the articles answer")] : []));
    }
  }

  // Gradio's sanitiser removes aria attributes from chat messages, so they are set again after each drawing.
  function describe() {
    offer();
    for (const [name, label] of [["submit", "Ask"], ["stop", "Stop"]]) {
      document.querySelector(`#cw-ask .${name}-button`)?.setAttribute("aria-label", label);
    }
    for (const asked of document.querySelectorAll("#cw-chat .cw-question:not([role])")) { // screen readers go from one to the next
      asked.setAttribute("role", "heading");
      asked.setAttribute("aria-level", "2");
    }
    for (const link of document.querySelectorAll('#cw-chat a[href^="#cw-"]')) {
      const { action, turn, key } = parse(link) || {};
      const value = turns.get(turn);
      const set = (name, wanted) => {
        if (!wanted) link.removeAttribute(name);
        else if (link.getAttribute(name) !== wanted) link.setAttribute(name, wanted);
      };
      if (!action) continue;
      set("role", action === "cite" ? "link" : "button");
      if (action === "cite") {
        const source = sourceOf(turn, key);
        const article = source && value.articles[source.article];
        set("aria-label", article && `Source ${source.label}: ${[article.title, article.place].filter(Boolean).join(", ")}`);
        set("aria-current", turn === panel.current.turn && key === panel.current.key && "true");
      }
      if (action === "flag") set("aria-label", `${link.textContent}: ${value?.claims[key]?.words || ""}`);
      if (action === "right" || action === "wrong") set("aria-pressed", String(value?.ratings.answer === action));
      if (action === "pin") set("aria-pressed", String(act.pinned(turn)));
      if (action === "more") set("aria-expanded", String(!menu.hidden && menuOf === link.getAttribute("href")));
    }
    if (tipOf && !tipOf.isConnected) hideTip();
  }

  return { describe, step };
}
