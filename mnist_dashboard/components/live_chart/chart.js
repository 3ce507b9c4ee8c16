/**
 * A Plotly chart that is mounted once and drawn again in place: at most four times a second, never while the tab is hidden or
 * the pointer is pressed on it, and at once when the last drawing is older than that. It owns the zoom: Plotly's uirevision
 * keeps hidden traces, but gives up a zoomed range as soon as the range we ask for changes, and ours follow the data.
 */
import { watchTheme } from "../lib/theme.js";

const INTERVAL_MS = 250;
const CLICK_MS = 400; // Plotly waits 300 ms for a second click on the legend, and forgets the first if it is drawn meanwhile
let plotly;

/** Plotly's library, loaded once a page. */
function library() {
  plotly ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const script = document.createElement("script");
    script.src = new URL("../../plotly.min.js", import.meta.url).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      setTimeout(() => (plotly = undefined), 5000); // then try again
      reject(new Error("Plotly could not be loaded"));
    };
    document.head.append(script);
  });
  return plotly;
}

/** The mode bar's own "reset axes" goes back to the ranges of the first drawing; ours to those of the data. */
const HOME = {
  width: 24,
  height: 24,
  path: "M4 10v10h6v-6h4v6h6V10l-8-7z",
};

/**
 * @typedef {object} Figure
 * @property {object[]} traces each with a `uid`, by which Plotly knows it again
 * @property {object} layout with xaxis.range and yaxis.range as they are without zoom
 * @property {string} label for those who do not see the chart
 * @property {string} filename of a downloaded image
 * @property {boolean} narrow no mode bar
 */
export class Chart {
  #div;
  #figure;
  #height;
  #zoom = { x: null, y: null, log: false };
  #revision;
  #configured = { key: null, config: null };
  #timer = 0;
  #drawnAt = -Infinity;
  #draws = 0;
  #pressed = false;
  #releasedAt = -Infinity;
  #dead = false;
  #cleanups = [];

  /**
   * @param {HTMLElement} root
   * @param {(width: number) => number} height in pixels, for a width
   * @param {(width: number) => Figure} figure builds what is to be drawn now
   */
  constructor(root, height, figure) {
    this.#height = height;
    this.#figure = figure;
    this.#div = root.appendChild(document.createElement("div"));
    this.#div.setAttribute("role", "img");
    const listen = (target, type, handler) => {
      target.addEventListener(type, handler);
      this.#cleanups.push(() => target.removeEventListener(type, handler));
    };
    listen(this.#div, "pointerdown", () => (this.#pressed = true));
    const release = () => {
      if (!this.#pressed) return;
      this.#pressed = false;
      this.#releasedAt = performance.now();
      this.invalidate();
    };
    listen(window, "pointerup", release);
    listen(window, "pointercancel", release);
    listen(document, "visibilitychange", () => this.invalidate());
    const resized = new ResizeObserver(() => this.invalidate());
    resized.observe(this.#div);
    this.#cleanups.push(() => resized.disconnect(), watchTheme(this.#div, () => this.invalidate()));
  }

  /** The chart's own element, for its colours. */
  get element() {
    return this.#div;
  }

  /** Draw soon: what is drawn, or its size, has changed. The room is taken at once, so that the page does not jump. */
  invalidate() {
    if (this.#dead) return;
    this.#div.style.height = `${this.#height(this.#div.clientWidth)}px`;
    if (this.#timer) return;
    this.#timer = setTimeout(() => this.#draw(), this.#wait());
  }

  /** Draw now, however short a time ago it was: what somebody asked for has come. */
  hurry() {
    this.#drawnAt = -Infinity;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.invalidate();
  }

  /** How long the next drawing has to wait. */
  #wait() {
    const now = performance.now();
    return Math.max(0, this.#drawnAt + INTERVAL_MS - now, this.#releasedAt + CLICK_MS - now);
  }

  destroy() {
    this.#dead = true;
    clearTimeout(this.#timer);
    for (const cleanup of this.#cleanups) cleanup();
    if (this.#draws) window.Plotly.purge(this.#div);
    this.#div.remove();
  }

  async #draw() {
    const Plotly = await library().catch((error) => console.warn(`MNIST Trainer: ${error.message}.`));
    this.#timer = 0;
    // Each of these invalidates again when it is over.
    const width = this.#div.clientWidth;
    if (this.#wait()) {
      this.invalidate(); // the pointer was released since
      return;
    }
    if (!Plotly || this.#dead || document.hidden || this.#pressed || !width) return;
    this.#drawnAt = performance.now();
    const { traces, layout, label, filename, narrow } = this.#figure(width);
    this.#applyZoom(layout);
    layout.width = width;
    layout.height = this.#div.clientHeight;
    layout.datarevision = ++this.#draws;
    await Plotly.react(this.#div, traces, layout, this.#config(filename, narrow));
    if (this.#dead) return;
    this.#div.setAttribute("aria-label", label);
    if (this.#draws === 1) {
      this.#div.on("plotly_relayout", (change) => this.#relayout(change));
      this.#div.on("plotly_doubleclick", () => this.#resetZoom());
    }
  }

  /** The same object as long as it says the same: another one makes Plotly build the chart anew, and forget hidden traces. */
  #config(filename, narrow) {
    const key = `${filename} ${narrow}`;
    if (this.#configured.key === key) return this.#configured.config;
    const config = {
      displaylogo: false,
      displayModeBar: narrow ? false : "hover",
      doubleClick: false, // handled here, see #resetZoom
      // "Share chart…" uploads the data to a service
      modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d", "resetScale2d"],
      modeBarButtonsToAdd: [{ name: "reset", title: "Show everything", icon: HOME, click: () => this.#resetZoom() }],
      toImageButtonOptions: { filename, scale: 2 },
    };
    this.#configured = { key, config };
    return config;
  }

  /** Remember what the user zoomed or panned to. */
  #relayout(change) {
    for (const axis of ["x", "y"]) {
      const name = `${axis}axis.range`;
      const range = change[name] ?? [change[`${name}[0]`], change[`${name}[1]`]];
      if (range.every((end) => end !== undefined)) this.#zoom[axis] = range.map(Number);
    }
  }

  #resetZoom() {
    this.#zoom.x = this.#zoom.y = null;
    this.#releasedAt = -Infinity;
    this.hurry();
  }

  #applyZoom(layout) {
    const zoom = this.#zoom;
    if (layout.uirevision !== this.#revision) {
      this.#revision = layout.uirevision;
      zoom.x = zoom.y = null;
    }
    const log = layout.yaxis.type === "log";
    if (zoom.y && log !== zoom.log) {
      // Plotly gives the ends of a logarithmic axis as exponents; what lies below zero has none.
      const convert = log ? (v) => Math.log10(Math.max(v, zoom.y[1] / 1000)) : (v) => 10 ** v;
      zoom.y = zoom.y.map(convert);
    }
    zoom.log = log;
    if (zoom.x) layout.xaxis.range = [...zoom.x];
    if (zoom.y) layout.yaxis.range = [...zoom.y];
  }
}
