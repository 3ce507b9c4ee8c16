/** A small chart of lines, one a lane, each with a dash of its own and its name at its end; the pointer reads values off it. */
import { make, setAttribute } from "../../lib/dom.js";
import { formatCount } from "../../lib/format.js";
import { drawSvg, label, segment, spreadLabels } from "../../lib/svg.js";
import { roundTicks, valueAt } from "../model/axes.js";

/**
 * @import { Axis, Point } from "../model/axes.js"
 * @typedef {{name: string, color: number, points: Point[]}} Line
 * @typedef {object} Content
 * @property {Line[]} lines
 * @property {{color: number, from: number, to: number}[]} tints behind the lines
 * @property {Axis} y
 * @property {{high: number, title: string}} x from 0 on
 * @property {string} yTitle
 * @property {boolean} markers
 * @property {(value: number) => string} format
 * @property {(x: number) => string} formatX
 * @property {string} description for screen readers
 * @property {string} empty text while there are no lines
 */

const MARGIN = { left: 56, top: 12 };
const BOTTOM = { titled: 40, plain: 22 };
const TICK_WIDTH = 110; // pixels
const LABEL_GAP = 14;
const LETTER = 6.6; // pixels of a letter of a name
const DASHES = ["", "7 3", "2 3", "8 3 2 3"];

/** @param {number} tick */
const formatTick = (tick) => (tick >= 1000 ? formatCount(tick) : String(tick));

export class LineChart {
  #heading;
  #box = make("div", "mt-race-chart", { role: "img" });
  #readout = make("div", "mt-race-readout", { hidden: "" });
  #cursor = drawSvg("line", { class: "mt-race-cursor" });
  element;
  /** @type {Content|null} */
  #content = null;
  #scale = { left: 0, right: 0, top: 0, bottom: 0, high: 1 };
  #resizing = new ResizeObserver(() => this.#draw());

  /** @param {string} title @param {string} className */
  constructor(title, className) {
    this.#heading = make("h2", "mt-panel-title", {}, title);
    this.element = make("section", `mt-race-panel ${className}`, { "aria-label": title }, this.#heading, this.#box, this.#readout);
    this.#resizing.observe(this.#box);
    this.#box.addEventListener("pointermove", (event) => this.#read(event));
    this.#box.addEventListener("pointerleave", () => this.#leave());
  }

  destroy() {
    this.#resizing.disconnect();
  }

  /** @param {Content} content */
  show(content) {
    this.#content = content;
    this.#draw();
  }

  #draw() {
    const content = this.#content;
    const { clientWidth: width, clientHeight: height } = this.#box;
    if (!content || !width) return;
    const longest = Math.max(...content.lines.map(({ name }) => name.length), 4);
    const right = width - Math.min(width / 3, 12 + LETTER * longest);
    const bottom = height - (content.x.title ? BOTTOM.titled : BOTTOM.plain);
    this.#scale = { left: MARGIN.left, right, top: MARGIN.top, bottom, high: content.x.high };
    const svg = drawSvg("svg", { width, height, "aria-hidden": "true" });
    this.#drawTints(svg, content);
    this.#drawAxes(svg, content, height);
    this.#drawLines(svg, content);
    svg.append(this.#cursor);
    setAttribute(this.#box, "aria-label", content.description);
    this.#box.replaceChildren(svg);
    if (!content.lines.some(({ points }) => points.length)) {
      svg.append(label((MARGIN.left + right) / 2, (MARGIN.top + bottom) / 2, content.empty, "middle"));
    }
  }

  /** @param {number} value on the lower axis */
  #x(value) {
    const { left, right, high } = this.#scale;
    return left + ((right - left) * value) / high;
  }

  /** @param {number} value */
  #y(value) {
    const { top, bottom } = this.#scale;
    return bottom - (bottom - top) * (this.#content?.y.place(value) ?? 0);
  }

  /** @param {SVGElement} svg @param {Content} content */
  #drawTints(svg, { tints }) {
    const { top, bottom } = this.#scale;
    for (const { color, from, to } of tints) {
      const [x, width] = [this.#x(from), this.#x(to) - this.#x(from)];
      svg.append(drawSvg("rect", { x, y: top, width, height: bottom - top, class: "mt-race-tint", "data-lane": color }));
    }
  }

  /** @param {SVGElement} svg @param {Content} content @param {number} height */
  #drawAxes(svg, { x, y, yTitle }, height) {
    const { left, right, top, bottom } = this.#scale;
    const axes = drawSvg("g", { class: "mt-race-axes" });
    for (const tick of y.ticks) {
      axes.append(segment(left, this.#y(tick), right, this.#y(tick), "var(--grid)"));
      axes.append(label(left - 6, this.#y(tick) + 4, String(tick).replace("-", "−"), "end"));
    }
    for (const tick of roundTicks(0, x.high, Math.max(2, (right - left) / TICK_WIDTH))) {
      axes.append(segment(this.#x(tick), top, this.#x(tick), bottom, "var(--grid)"));
      axes.append(label(this.#x(tick), bottom + 16, x.title ? formatTick(tick) : "", "middle"));
    }
    axes.append(segment(left, bottom, right, bottom, "var(--axis)"), segment(left, top, left, bottom, "var(--axis)"));
    axes.append(label((left + right) / 2, height - 4, x.title, "middle"));
    const turned = label(0, 0, yTitle, "middle");
    turned.setAttribute("transform", `translate(12 ${(top + bottom) / 2}) rotate(-90)`);
    axes.append(turned);
    svg.append(axes);
  }

  /** @param {SVGElement} svg @param {Content} content */
  #drawLines(svg, { lines, markers, y }) {
    const { left, right, top, bottom } = this.#scale;
    const drawn = lines.filter(({ points }) => points.length);
    // Lines may leave the axis at its lower end: they are cut off there.
    const clip = drawSvg("svg", { x: left - 6, y: top - 6, width: right - left + 12, height: bottom - top + 6, overflow: "hidden" });
    for (const { color, points } of drawn) {
      const places = points.map(([px, py]) => [this.#x(px) - left + 6, this.#y(py) - top + 6]);
      const d = `M${places.map((place) => place.map((part) => part.toFixed(1)).join(" ")).join("L")}`;
      clip.append(drawSvg("path", { d, class: "mt-race-line", "data-lane": color, "stroke-dasharray": DASHES[color % DASHES.length] }));
      if (!markers) continue;
      for (const [cx, cy] of places) clip.append(drawSvg("circle", { cx, cy, r: 3, class: "mt-race-dot", "data-lane": color }));
    }
    svg.append(clip);
    const ends = drawn.map(({ points }) => points[points.length - 1]);
    const wanted = ends.map(([, value]) => Math.min(bottom, Math.max(top, this.#y(value))) + 4);
    spreadLabels(wanted, LABEL_GAP, bottom + 4).forEach((place, i) => {
      const name = label(this.#x(ends[i][0]) + 7, place, drawn[i].name, "start");
      name.setAttribute("class", "mt-race-name");
      name.setAttribute("data-lane", String(drawn[i].color));
      if (ends[i][1] < y.low) name.append("\u2009↓");
      svg.append(name);
    });
  }

  /** @param {PointerEvent} event */
  #read({ clientX }) {
    const content = this.#content;
    const pointer = clientX - this.#box.getBoundingClientRect().left;
    const { left, right, top, bottom, high } = this.#scale;
    if (!content || pointer < left || pointer > right) {
      this.#leave();
      return;
    }
    const x = (high * (pointer - left)) / (right - left);
    const found = content.lines.flatMap((line) => {
      const value = valueAt(line.points, x);
      return value === null ? [] : [make("li", "", { "data-lane": String(line.color) }, `${line.name} ${content.format(value)}`)];
    });
    if (!found.length) {
      this.#leave();
      return;
    }
    const ends = { x1: pointer, x2: pointer, y1: top, y2: bottom };
    for (const [name, value] of Object.entries(ends)) this.#cursor.setAttribute(name, String(value));
    this.#cursor.style.visibility = "visible";
    this.#readout.replaceChildren(make("strong", "", {}, content.formatX(x)), make("ul", "", {}, ...found));
    this.#readout.hidden = false;
    const isRight = pointer > (left + right) / 2;
    this.#readout.style.left = isRight ? "" : `${pointer + 10}px`;
    this.#readout.style.right = isRight ? `calc(100% - ${pointer - 10}px)` : "";
  }

  #leave() {
    this.#readout.hidden = true;
    this.#cursor.style.visibility = "hidden";
  }
}
