/** Small drawings of our own, where a chart library would be too much. */

const NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * An element of a drawing with attributes and children.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string|number>} attributes
 * @param {...(Node|string)} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function drawSvg(tag, attributes, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {string} color @param {string} [dash] */
export function segment(x1, y1, x2, y2, color, dash = "") {
  return drawSvg("line", { x1, y1, x2, y2, stroke: color, "stroke-dasharray": dash });
}

/** @param {number} x @param {number} y @param {string} text @param {"start"|"middle"|"end"} anchor */
export function label(x, y, text, anchor) {
  const element = drawSvg("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}

/**
 * Places of labels, top to bottom, moved apart as little as needed. @param {number[]} wanted @param {number} gap
 * @param {number} lowest the largest place @returns {number[]} in the order of `wanted`
 */
export function spreadLabels(wanted, gap, lowest) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  /** @type {number[]} */
  const places = [];
  order.forEach((i, n) => {
    places[i] = n ? Math.max(wanted[i], places[order[n - 1]] + gap) : wanted[i];
  });
  let limit = lowest;
  for (const i of order.toReversed()) {
    places[i] = Math.min(places[i], limit);
    limit = places[i] - gap;
  }
  return places;
}
