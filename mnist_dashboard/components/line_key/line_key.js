/** The key of the line styles of charts that compare runs: a sample as the charts draw it, and a name. */
import { LABELS } from "../lib/constants.js";
import { make } from "../lib/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const LINE = "M1 7H33";

/** @typedef {[tag: string, className: string, attributes: Record<string, number|string>]} Shape */

/** @type {Record<string, {name: string, shapes: Shape[]}>} in the order of the key; shapes in a box of 34 by 14 */
const STYLES = {
  train: { name: "Train", shapes: [["path", "", { d: LINE }]] },
  mean: { name: "Mean of seeds ± standard deviation", shapes: [["path", "mt-band", { d: "M1 2H33V12H1Z" }], ["path", "", { d: LINE }]] },
  alone: { name: "One seed goes on", shapes: [["path", "mt-thin", { d: LINE }]] },
  validation: {
    name: LABELS.VALIDATION,
    shapes: [["path", "mt-dotted", { d: LINE }], ["circle", "mt-hollow", { cx: 17, cy: 7, r: 4 }]],
  },
  test: { name: LABELS.TEST, shapes: [["path", "mt-filled", { d: "M17 1L23 7L17 13L11 7Z" }]] },
  best: { name: "Best evaluation", shapes: [["circle", "", { cx: 17, cy: 7, r: 6 }]] },
};

/** @param {Shape[]} shapes */
function sampleOf(shapes) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ width: "34", height: "14", viewBox: "0 0 34 14", "aria-hidden": "true" })) {
    svg.setAttribute(name, value);
  }
  for (const [tag, className, attributes] of shapes) {
    const shape = document.createElementNS(SVG, tag);
    if (className) shape.setAttribute("class", className);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, String(value));
    svg.append(shape);
  }
  return svg;
}

/** @param {HTMLElement} root @param {{styles: string[]}} data */
export function mount(root, data) {
  const list = make("ul", "mt-line-key", { "aria-label": "Line styles" });
  root.append(list);
  const update = (/** @type {{styles: string[]}} */ { styles }) => {
    const shown = Object.entries(STYLES).filter(([style]) => styles.includes(style));
    list.replaceChildren(...shown.map(([, { name, shapes }]) => make("li", "", {}, sampleOf(shapes), name)));
  };
  update(data);
  return { update, destroy: () => list.remove() };
}
