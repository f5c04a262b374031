// Adds files that are dropped anywhere on the page, if the visitor may add articles.
//
//     takeDrops(views)        the views of views.js

import { el } from "./dom.js";
import { carriesFiles, filesOf } from "./incoming.js";

export function takeDrops(views) {
  const limits = el("small", {});
  const here = el("div", { class: "cw-drop", "aria-hidden": "true" }, el("span", {}, "Drop files or folders to add them to the articles"), limits);
  const mayDrop = (event) => carriesFiles(event) && !event.target.closest?.(".cw-articles") && !document.body.hasAttribute("data-cw-read-only")
    && Boolean(document.querySelector("[data-cw-do=articles]:not([hidden])"));

  function over(event) {
    if (!mayDrop(event)) return;
    event.preventDefault();
    if (here.isConnected) return;
    document.body.append(here);
    document.body.classList.add("cw-dragging");
    views.get("articles").then((articles) => articles.limits()).then((words) => { limits.textContent = words; }).catch(() => {});
  }

  function gone() {
    here.remove();
    document.body.classList.remove("cw-dragging");
  }

  document.addEventListener("dragenter", over);
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", (event) => event.relatedTarget || gone()); // the pointer left the window
  document.addEventListener("drop", async (event) => {
    if (!mayDrop(event)) return;
    event.preventDefault();
    gone();
    const files = await filesOf(event);
    await views.open("articles", document.querySelector("[data-cw-do=articles]"));
    (await views.get("articles").catch(() => null))?.add(files);
  });
}
