/** A part of the view, with its heading. */
import { make } from "../lib/dom.js";

/** @param {string} title @param {string} note @param {...Node} content */
export function makePanel(title, note, ...content) {
  const head = make("div", "mt-draw-head", {}, make("h2", "mt-draw-title", {}, title), make("span", "mt-draw-aside", {}, note));
  return make("section", "mt-draw-panel", { "aria-label": title }, head, ...content);
}
