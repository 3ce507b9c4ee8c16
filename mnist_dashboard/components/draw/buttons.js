/** The buttons of the view, with icons of a few lines. */
import { make } from "../lib/dom.js";

const SVG = "http://www.w3.org/2000/svg";

/** Lines in a square of 16 pixels. */
const ICONS = {
  undo: "M6 3 2.5 6.5 6 10M3 6.5h6.5a4 4 0 0 1 0 8H7",
  clear: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.5 9h6l.5-9M7 7.5v3.5M9 7.5v3.5",
  upload: "M8 10.5V2.5M4.5 6 8 2.5 11.5 6M2.5 10.5v3h11v-3",
};

/** @param {string} text @param {() => void} onClick @param {keyof typeof ICONS} [icon] */
export function makeButton(text, onClick, icon) {
  const element = make("button", "mt-draw-button", { type: "button" });
  if (icon) element.append(makeIcon(icon));
  element.append(make("span", "", {}, text));
  element.addEventListener("click", onClick);
  return element;
}

/** @param {keyof typeof ICONS} name */
function makeIcon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
