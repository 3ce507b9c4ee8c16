/** A map of all images as the last layer but one sees them: near each other means alike to the network. */
import { make, setAttribute, setText } from "../../lib/dom.js";
import { clickDigit, ease, fitPoints, labelCentres, mixPoints, nextWrong } from "../model/map_layout.js";
import { PointIndex } from "../model/point_index.js";
import { describeMap, describeTsne, nameTsne } from "../model/words.js";
import { rememberTsne, wantsTsne } from "../model/map_choice.js";
import { MapCanvas } from "./map_canvas.js";
import { MapTip } from "./map_tip.js";

/**
 * @import { DigitImages } from "../../lib/evaluations/digit_images.js"
 * @import { Answers, Evaluated } from "../../lib/evaluations/run_evaluations.js"
 * @typedef {{step: number, images: number, points: Float32Array, variance?: number[], progress?: number}} LatentMap `variance` of a
 *   map of principal components, `progress` (0 to 1) of one by t-SNE
 * @typedef {{evaluation: Evaluated, labels: Uint8Array, answers: Answers}} Read
 */

const DIGITS = [...Array(10).keys()];
const CLICKS = "Colour and figure: the true digit. A click shows that digit alone, further clicks add others.";
const LOOKING = "The network looks at every image …";
const MARGIN = 14; // pixels
const REACH = 14; // pixels from the pointer to a point
const NEIGHBOUR_REACH = 26;
const MOST_NEIGHBOURS = 24;
const GLIDE_MS = 500;

export class MapPanel {
  /** @type {LatentMap|null} */
  #map = null;
  /** @type {Read|null} */
  #read = null;
  /** @type {Float32Array} x and y of each image in turn, in pixels */
  #points = new Float32Array();
  /** @type {PointIndex|null} built when it is first needed */
  #index = null;
  /** @type {Set<number>} digits that are switched off */
  #hidden = new Set();
  #chosen = -1;
  #hovered = -1;
  #gliding = 0;
  #frame = 0;
  #tip;
  #onChoose;
  #canvas = new MapCanvas();
  #pca = make("button", "mt-pill", { type: "button" }, "PCA");
  #tsne = make("button", "mt-pill", { type: "button" }, nameTsne(1));
  #title = make("h2", "mt-panel-title", {}, "Map of the images");
  #switches = DIGITS.map((digit) => (
    make("button", "mt-map-digit", { type: "button", "aria-pressed": "true", "aria-label": `Show ${digit}` }, String(digit))));
  #all = make("button", "mt-map-digit", { type: "button", "aria-pressed": "true", "aria-label": "Show all digits" }, "All");
  #figures = DIGITS.map((digit) => make("span", "mt-map-figure", { "aria-hidden": "true" }, String(digit)));
  #plot = make("div", "mt-map-plot", { role: "application", tabindex: "0" });
  #note = make("p", "mt-map-note");
  #problem = make("p", "mt-panel-note");
  element = make("section", "mt-map", { "aria-label": "Map of the images" },
    make("div", "mt-panel-head", {}, this.#title,
      make("div", "mt-map-kinds", { role: "group", "aria-label": "Kind of map" }, this.#pca, this.#tsne)),
    make("div", "mt-map-digits", { role: "group", "aria-label": "Digits on the map", title: CLICKS },
      this.#all, ...this.#switches),
    this.#plot, this.#note);

  /** By t-SNE, not by principal components. */
  isTsne = wantsTsne();

  /** @param {DigitImages} pictures @param {(image: number) => void} onChoose @param {() => void} onKind when the kind has changed */
  constructor(pictures, onChoose, onKind) {
    this.#tip = new MapTip(pictures);
    this.#onChoose = onChoose;
    this.#plot.append(...this.#canvas.elements, ...this.#figures, this.#tip.element, this.#problem);
    DIGITS.forEach((digit) => {
      for (const element of [this.#switches[digit], this.#figures[digit]]) element.style.setProperty("--digit", `var(--digit-${digit})`);
      this.#switches[digit].addEventListener("click", () => this.#show(clickDigit(this.#hidden, digit)));
    });
    this.#all.addEventListener("click", () => this.#show(new Set()));
    for (const [button, isTsne] of /** @type {[HTMLElement, boolean][]} */ ([[this.#pca, false], [this.#tsne, true]])) {
      button.addEventListener("click", () => {
        if (this.isTsne === isTsne) return;
        this.isTsne = isTsne;
        rememberTsne(isTsne);
        this.#showKind(0);
        onKind();
      });
    }
    this.explain("");
    this.#showKind(0);
    this.#plot.addEventListener("pointermove", (event) => this.#hover(event));
    this.#plot.addEventListener("pointerleave", () => this.#leave());
    this.#plot.addEventListener("click", (event) => {
      this.#hover(event);
      if (this.#hovered >= 0) this.#onChoose(this.#hovered);
    });
    this.#plot.addEventListener("keydown", (event) => this.#onKey(event));
    this.#plot.addEventListener("blur", () => this.#leave());
  }

  destroy() {
    cancelAnimationFrame(this.#frame);
  }

  /** @param {LatentMap} map @param {Read} read what the images are, and were read as */
  offer(map, read) {
    setText(this.#problem, "");
    this.element.removeAttribute("data-empty");
    const isSame = this.#map === map && this.#read?.answers === read.answers;
    const isAlike = this.#read?.evaluation.split === read.evaluation.split && this.#points.length === map.points.length;
    this.#map = map;
    this.#read = read;
    if (isSame) return;
    const { split } = read.evaluation;
    const wrong = read.labels.reduce((sum, label, i) => sum + Number(label !== read.answers.predicted[i]), 0);
    const words = map.variance ? describeMap(map.images, split, wrong, map.variance) : describeTsne(map.images, split, wrong);
    this.#showKind(map.progress);
    setText(this.#title, `Map of the ${split} images`);
    setText(this.#note, words);
    setAttribute(this.#plot, "aria-label", `${words} The left and right arrows go to the next image that is read wrong.`);
    this.#leave();
    this.#moveTo(this.#fitted(), isAlike);
  }

  /** @param {number} [progress] of a map by t-SNE */
  #showKind(progress = 1) {
    setAttribute(this.#pca, "aria-pressed", String(!this.isTsne));
    setAttribute(this.#tsne, "aria-pressed", String(this.isTsne));
    setText(this.#tsne, nameTsne(this.isTsne ? progress : 1));
  }

  /** Why there is no map. @param {string} problem empty while it is made */
  explain(problem) {
    cancelAnimationFrame(this.#frame);
    this.#map = null;
    this.#points = new Float32Array();
    this.#leave();
    this.#canvas.clear();
    for (const figure of this.#figures) figure.hidden = true;
    setText(this.#problem, problem || LOOKING);
    this.element.toggleAttribute("data-empty", Boolean(problem));
    this.#showKind();
    setText(this.#note, "");
    setAttribute(this.#plot, "aria-label", problem || LOOKING);
  }

  /** @param {number} image -1 for none */
  choose(image) {
    if (image === this.#chosen) return;
    this.#chosen = image;
    this.#mark();
  }

  /** The size or the theme has changed. */
  redraw() {
    const { clientWidth, clientHeight } = this.#plot;
    if (!clientWidth) return;
    cancelAnimationFrame(this.#frame);
    this.#canvas.resize(clientWidth, clientHeight);
    this.#canvas.setColors(this.#switches.map((element) => getComputedStyle(element).borderBottomColor));
    if (this.#map) this.#moveTo(this.#fitted(), false);
  }

  #fitted() {
    return fitPoints(this.#map?.points ?? new Float32Array(), this.#plot.clientWidth, this.#plot.clientHeight, MARGIN);
  }

  /** @param {Float32Array} points @param {boolean} glides */
  #moveTo(points, glides) {
    cancelAnimationFrame(this.#frame);
    this.#index = null;
    const from = this.#points;
    if (!glides || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.#points = points;
      this.#draw();
      return;
    }
    const between = new Float32Array(points.length);
    this.#gliding = performance.now();
    const step = (/** @type {number} */ now) => {
      const share = Math.min(1, Math.max(0, (now - this.#gliding) / GLIDE_MS));
      mixPoints(from, points, ease(share), between);
      this.#points = share < 1 ? between : points;
      this.#index = null;
      this.#draw();
      if (share < 1) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  /** What is on the map; null while there is none. */
  #drawn() {
    const read = this.#read;
    if (!read || !this.#map || this.#points.length !== 2 * read.labels.length) return null;
    return { points: this.#points, labels: read.labels, predicted: read.answers.predicted, hidden: this.#hidden };
  }

  #mark() {
    const drawn = this.#drawn();
    if (drawn) this.#canvas.mark(drawn, this.#chosen, this.#hovered);
  }

  #draw() {
    const drawn = this.#drawn();
    if (!drawn) return;
    const { labels } = drawn;
    this.#canvas.draw(drawn);
    this.#mark();
    labelCentres(this.#points, labels).forEach((centre, digit) => {
      const figure = this.#figures[digit];
      figure.hidden = !centre || this.#hidden.has(digit);
      if (centre) figure.style.transform = `translate(${centre.x.toFixed(1)}px, ${centre.y.toFixed(1)}px) translate(-50%, -50%)`;
    });
  }

  /** @param {Set<number>} hidden digits */
  #show(hidden) {
    this.#hidden = hidden;
    setAttribute(this.#all, "aria-pressed", String(!hidden.size));
    DIGITS.forEach((digit) => setAttribute(this.#switches[digit], "aria-pressed", String(!hidden.has(digit))));
    this.#leave();
    this.#draw();
  }

  /** @param {PointerEvent|MouseEvent} event */
  #hover(event) {
    const { left, top } = this.#plot.getBoundingClientRect();
    const [x, y] = [event.clientX - left - this.#plot.clientLeft, event.clientY - top - this.#plot.clientTop];
    const near = this.#near(x, y, REACH);
    if (near.length) this.#point(near[0]);
    else this.#leave();
  }

  /** @param {number} x @param {number} y @param {number} reach */
  #near(x, y, reach) {
    const drawn = this.#drawn();
    if (!drawn) return [];
    this.#index ??= new PointIndex(this.#points, this.#plot.clientWidth, this.#plot.clientHeight);
    return this.#index.within(x, y, reach, (i) => i === this.#chosen || !this.#hidden.has(drawn.labels[i]));
  }

  /** Show what an image is. @param {number} image */
  #point(image) {
    const read = this.#read;
    if (!read) return;
    const [x, y] = [this.#points[2 * image], this.#points[2 * image + 1]];
    const isNew = image !== this.#hovered;
    this.#hovered = image;
    const { evaluation: { split }, labels, answers: { predicted } } = read;
    const neighbours = isNew ? this.#near(x, y, NEIGHBOUR_REACH).slice(1, MOST_NEIGHBOURS) : [];
    const place = { x, y, width: this.#plot.clientWidth, height: this.#plot.clientHeight };
    this.#tip.show({ split, image, label: labels[image], predicted: predicted[image] }, neighbours, place);
    if (isNew) this.#mark();
  }

  #leave() {
    this.#tip.hide();
    if (this.#hovered < 0) return;
    this.#hovered = -1;
    this.#mark();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !this.#read || !this.#map) return;
    if (event.key === "Escape") this.#leave();
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const { labels, answers: { predicted } } = this.#read;
    const image = nextWrong(labels, predicted, this.#hidden, this.#chosen, event.key === "ArrowRight" ? 1 : -1);
    if (image === null) return;
    this.#onChoose(image);
    this.#point(image);
  }
}
