/**
 * A Plotly chart that is mounted once and redrawn in place, but never while the tab is hidden or the pointer is pressed on it. It
 * keeps the zoom itself: Plotly's uirevision keeps hidden traces, but drops a zoomed range
 * when the range that we ask for changes, and ours follow the data.
 */
import { drawSoon, forgetDrawing } from "../lib/drawing.js";
import { onThemeChange } from "../lib/theme.js";
import { frameOf, moveLines } from "./moving_lines.js";
import { loadPlotly } from "./plotly_loader.js";

/** @import { Layout, PlotlyElement, Trace } from "./plotly" */

// Between two drawings by Plotly while only lines move: hover texts are that old, which matters while the pointer is there.
const WHOLE_MS = 60_000;
const HOVERED_WHOLE_MS = 1000;
const SHARE = 0.02; // of the time, for drawings by Plotly of what new data changes: a range, an evaluation, a label at a line's end
const MAX_DELAY_MS = 2000; // of such a drawing
const BATCHES_MS = 1000; // between two drawings of single batches: such a line costs ten times as much to paint as a smooth one

const CLICK_MS = 400; // Plotly waits 300 ms for a second click on the legend, and forgets the first if it is drawn meanwhile

/** The mode bar's own "reset axes" returns to the ranges of the first drawing; ours to those of the data. */
const HOME = {
  width: 24,
  height: 24,
  path: "M4 10v10h6v-6h4v6h6V10l-8-7z",
};

/**
 * @typedef {object} Figure
 * @property {Trace[]} traces
 * @property {Layout} layout
 * @property {string} label for screen readers
 * @property {string} filename of a downloaded image
 * @property {boolean} narrow no mode bar
 */
export class Chart {
  #div;
  #figure;
  #height;
  #width = 0; // measured when it changes: measuring a page that others have just changed makes the browser lay it out
  /** @type {{x: [number, number]|null, y: [number, number]|null, log: boolean}} */
  #zoom = { x: null, y: null, log: false };
  #revision = "";
  #config = { key: "", value: {} };
  #draws = 0; // by Plotly
  /** @type {{element: PlotlyElement, frame: string, at: number, cost: number}|null} the last drawing by Plotly */
  #drawn = null;
  #isAwaited = false; // by the reader: it is not to be put off
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #drawingWhole;
  #batchesDrawnAt = -Infinity;
  #hovered = false;
  #pressed = false;
  #releasedAt = -Infinity;
  #destroyed = false;
  #cleanups;

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
    const resized = new ResizeObserver(() => this.resize());
    resized.observe(this.#div);
    const listening = new AbortController();
    const { signal } = listening;
    this.#div.addEventListener("pointerenter", () => this.#hover(true), { signal });
    this.#div.addEventListener("pointerleave", () => this.#hover(false), { signal });
    this.#div.addEventListener("pointerdown", () => (this.#pressed = true), { signal });
    window.addEventListener("pointerup", () => this.#release(), { signal });
    window.addEventListener("pointercancel", () => this.#release(), { signal });
    document.addEventListener("visibilitychange", () => this.invalidate(), { signal });
    const stopWatching = onThemeChange(this.#div, () => this.change());
    this.#cleanups = [() => listening.abort(), () => resized.disconnect(), stopWatching];
  }

  /** The chart's own element, for its colours. */
  get element() {
    return this.#div;
  }

  /** Draw soon: there is new data, and there will be more. */
  invalidate() {
    if (!this.#destroyed) drawSoon(this.#draw);
  }

  /** Draw soon, and all: the reader has changed something, or a run has ended. */
  change() {
    this.#isAwaited = true;
    this.invalidate();
  }

  /** Draw now, however recent the last drawing is: the reader is waiting for this. */
  drawNow() {
    this.#isAwaited = true;
    forgetDrawing(this.#draw);
    void this.#draw();
  }

  /** What is drawn has changed, or its size. The height is set at once, so that the page does not jump. */
  resize() {
    this.#width = this.#div.clientWidth;
    this.#div.style.height = `${this.#height(this.#width)}px`;
    this.change();
  }

  destroy() {
    this.#destroyed = true;
    forgetDrawing(this.#draw);
    clearTimeout(this.#drawingWhole);
    for (const cleanup of this.#cleanups) cleanup();
    if (this.#draws) window.Plotly?.purge(this.#div);
    this.#div.remove();
  }

  #release() {
    if (!this.#pressed) return;
    this.#pressed = false;
    this.#releasedAt = performance.now();
    setTimeout(() => this.change(), CLICK_MS);
  }

  /** @param {boolean} hovered */
  #hover(hovered) {
    this.#hovered = hovered;
    if (hovered) this.invalidate();
  }

  #draw = async () => {
    const Plotly = await loadPlotly().catch((error) => console.warn(`MNIST Trainer: ${error.message}.`));
    const width = this.#width;
    const isClicking = performance.now() < this.#releasedAt + CLICK_MS;
    // Each of these invalidates again when it is over.
    if (!Plotly || this.#destroyed || document.hidden || this.#pressed || isClicking || !width) return;
    const { traces, layout, label, filename, narrow } = this.#figure(width);
    this.#applyZoom(layout);
    layout.width = width;
    layout.height = this.#height(width);
    const frame = frameOf(traces, layout);
    if (this.#moveLines(traces, frame)) return;
    for (const trace of traces) if (trace.hoverTexts) trace.customdata = trace.hoverTexts();
    const at = performance.now();
    this.#isAwaited = false;
    layout.datarevision = ++this.#draws;
    const element = await Plotly.react(this.#div, traces, layout, this.#configFor(filename, narrow));
    if (this.#destroyed) return;
    this.#drawn = { element, frame, at, cost: performance.now() - at };
    this.#batchesDrawnAt = at;
    this.#div.setAttribute("aria-label", label);
    if (this.#draws === 1) this.#followZoom(element);
  };

  /**
   * Only move the lines, as long as Plotly need not draw again.
   * @param {Trace[]} traces @param {string} frame
   */
  #moveLines(traces, frame) {
    const drawn = this.#drawn;
    if (!drawn) return false;
    const now = performance.now();
    const left = drawn.at + this.#wholeInterval(drawn, frame) - now;
    const withBatches = now >= this.#batchesDrawnAt + BATCHES_MS;
    const moving = withBatches ? traces : traces.filter((trace) => !trace.ofBatches);
    if (left <= 0 || !moveLines(drawn.element, moving)) return false;
    if (withBatches) this.#batchesDrawnAt = now;
    clearTimeout(this.#drawingWhole);
    this.#drawingWhole = setTimeout(() => this.invalidate(), left);
    return true;
  }

  /** Time between the last drawing by Plotly and the next. @param {{frame: string, cost: number}} drawn @param {string} frame */
  #wholeInterval(drawn, frame) {
    if (drawn.frame === frame) return this.#hovered ? HOVERED_WHOLE_MS : WHOLE_MS;
    return this.#isAwaited ? 0 : Math.min(drawn.cost / SHARE, MAX_DELAY_MS);
  }

  /**
   * The same object as long as its content is the same: another one makes Plotly build the chart anew and forget hidden traces.
   * @param {string} filename @param {boolean} narrow
   */
  #configFor(filename, narrow) {
    const key = `${filename} ${narrow}`;
    if (this.#config.key === key) return this.#config.value;
    const value = {
      displaylogo: false,
      displayModeBar: narrow ? false : "hover",
      doubleClick: false, // handled in #followZoom
      // "Share chart…" uploads the data to a service
      modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d", "resetScale2d"],
      modeBarButtonsToAdd: [{ name: "reset", title: "Show everything", icon: HOME, click: () => this.#resetZoom() }],
      toImageButtonOptions: { filename, scale: 2 },
    };
    this.#config = { key, value };
    return value;
  }

  /** @param {PlotlyElement} element */
  #followZoom(element) {
    element.on("plotly_relayout", (change) => {
      for (const axis of /** @type {const} */ (["x", "y"])) {
        const name = `${axis}axis.range`;
        const [low, high] = /** @type {unknown[]} */ (change[name] ?? [change[`${name}[0]`], change[`${name}[1]`]]);
        if (low !== undefined && high !== undefined) this.#zoom[axis] = [Number(low), Number(high)];
      }
    });
    element.on("plotly_doubleclick", () => this.#resetZoom());
  }

  #resetZoom() {
    this.#zoom.x = this.#zoom.y = null;
    this.#releasedAt = -Infinity;
    this.drawNow();
  }

  /** @param {Layout} layout */
  #applyZoom(layout) {
    const zoom = this.#zoom;
    if (layout.uirevision !== this.#revision) {
      this.#revision = layout.uirevision;
      zoom.x = zoom.y = null;
    }
    const log = layout.yaxis.type === "log";
    if (zoom.y && log !== zoom.log) {
      const [low, high] = zoom.y;
      // Plotly wants the ends of a logarithmic axis as exponents; values below zero have none.
      zoom.y = log ? [Math.log10(Math.max(low, high / 1000)), Math.log10(Math.max(high, high / 1000))] : [10 ** low, 10 ** high];
    }
    zoom.log = log;
    if (zoom.x) layout.xaxis.range = [...zoom.x];
    if (zoom.y) layout.yaxis.range = [...zoom.y];
  }
}
