/** What both charts of the board share: a drawing as wide as its panel, its axes, and a key in words. */
import { make } from "../../lib/dom.js";
import { drawSvg, label, segment } from "../../lib/svg.js";
import { palette } from "../../lib/theme.js";

/** @import { ResultScale } from "../model/result_scale.js" */
/** @typedef {{width: number, height: number}} Size in pixels */
/** @typedef {{svg: SVGElement, x: (value: number) => number, y: (place: number) => number, right: number, bottom: number}} Frame */

const MARGIN = { left: 54, right: 14, top: 8, bottom: 36 };
const TICK_GAP = 64; // pixels between two ticks of the horizontal axis, at least

/**
 * A drawing with axes.
 * @param {HTMLElement} box @param {Size} size of the box
 * @param {number} last value at the end of the horizontal axis, from 0 on @param {string} title of that axis
 * @param {ResultScale} scale @param {(value: number) => string} format @returns {Frame}
 */
export function drawFrame(box, { width, height }, last, title, scale, format) {
  const { grid, line } = palette(box);
  const svg = drawSvg("svg", { width, height, "aria-hidden": "true" });
  const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
  /** @param {number} value */
  const x = (value) => MARGIN.left + ((right - MARGIN.left) * value) / last;
  /** @param {number} place */
  const y = (place) => bottom - (bottom - MARGIN.top) * place;
  for (const [place, text] of scale.ticks) {
    svg.append(segment(MARGIN.left, y(place), right, y(place), grid), label(MARGIN.left - 6, y(place) + 4, text, "end"));
  }
  for (const value of evenTicks(last, Math.max(2, Math.floor((right - MARGIN.left) / TICK_GAP)))) {
    svg.append(segment(x(value), bottom, x(value), bottom + 4, line), label(x(value), bottom + 16, format(value), "middle"));
  }
  svg.append(segment(MARGIN.left, bottom, right, bottom, line), segment(MARGIN.left, MARGIN.top, MARGIN.left, bottom, line));
  svg.append(label((MARGIN.left + right) / 2, height - 4, title, "middle"));
  return { svg, x, y, right, bottom };
}

/** Whole round numbers from 0 on. @param {number} last @param {number} most how many */
function evenTicks(last, most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, last / most)));
  const step = Math.max(1, power * ([1, 2, 5, 10].find((size) => last / (size * power) <= most) ?? 10));
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
}

/** The panel of a chart. @param {string} title @param {[mark: string, text: string][]} marks @param {string} kind */
export function chartPanel(title, marks, kind) {
  const box = make("div", "mt-board-chart", { role: "img" });
  const key = marks.map(([mark, text]) => make("span", "mt-board-mark", { "data-mark": mark }, text));
  const head = make("div", "mt-board-head", {},
    make("h2", "mt-board-title", {}, title),
    make("span", "mt-board-key", { "aria-hidden": "true" }, ...key));
  return { box, element: make("section", `mt-board-panel ${kind}`, {}, head, box) };
}

/** Part of a path that is a dot of the width of its stroke. @param {number} x @param {number} y */
export const dot = (x, y) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`;

/**
 * A path; nothing if it is empty. One path for all trials of a kind: a thousand elements would take as long as the whole page.
 * @param {SVGElement} svg @param {string} d @param {Record<string, string|number>} style
 */
export function addPath(svg, d, style) {
  if (d) svg.append(drawSvg("path", { d, fill: "none", "stroke-linejoin": "round", "stroke-linecap": "round", ...style }));
}
