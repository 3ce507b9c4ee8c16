/** A chart of one quantity of one or several runs, over steps, epochs, images or time, fed by the stream. */
import { stream } from "../../feed/client/stream.js";
import { make, setText } from "../lib/dom.js";
import { formatCount } from "../lib/format.js";
import { forkMark, interventionMarks } from "../lib/runs/interventions.js";
import { isFinished } from "../lib/runs/status.js";
import { palette } from "../lib/theme.js";
import { Chart } from "./chart.js";
import { FIELDS } from "./model/axes/fields.js";
import { stepToX } from "./model/axes/x_axes.js";
import { evaluationValue } from "./model/differences.js";
import { LEGEND_ROW, buildLayout } from "./model/layout.js";
import { buildTraces } from "./model/traces.js";
import { makeView } from "./model/view.js";

/**
 * @import { ChartField } from "../lib/types"
 * @import { Figure } from "./chart.js"
 * @import { ChartRun, View } from "./model/view.js"
 * @import { Axis } from "./model/axes/x_axes.js"
 */

/**
 * @typedef {object} ChartData what Python passes to the component
 * @property {string} title
 * @property {ChartField} field
 * @property {{id: number, name: string, color: number}[]} runs
 * @property {number} smoothing
 * @property {boolean} log
 * @property {Axis} x
 * @property {boolean} logx
 * @property {number|null} baseline draw differences to this run
 * @property {boolean} bands draw runs that differ only in their seeds as mean and band
 * @property {boolean} best ring the best evaluation of each of several runs
 * @property {number|null} only draw this one, or its group, with the axes of all
 * @property {{id: number, name: string}|null} ghost the previous run, drawn behind the only one
 * @property {number} height
 * @property {boolean} xtitle whether the x axis has a title
 * @property {number[]} epochs steps at which epochs end
 * @property {number} total_steps
 * @property {string|null} empty text while there is no data
 * @property {boolean} legend
 * @property {number|null} cursor step of the evaluation that the reader has gone to
 * @property {{step: number, text: string}|null} fault
 * @property {string} uirevision
 */

const NARROW = 480;

/** The current values in words, for screen readers. @param {View} view */
function description({ data, drawn }) {
  const { field, title, empty } = data;
  if (!drawn.length) return `${title} chart. ${empty ?? "No data yet."}`;
  const { format } = FIELDS[field];
  const values = drawn.flatMap((item) => item.runs).map(({ name, series }) => {
    const parts = [`training ${format(series.smoothed(field))} at step ${formatCount(series.step)}`];
    const validation = series.evaluationsOf("validation").at(-1);
    const test = series.evaluationsOf("test").at(-1);
    if (validation && field in validation) {
      parts.push(`validation ${format(evaluationValue(validation, field))} at step ${formatCount(validation.step)}`);
    }
    if (test && field in test) parts.push(`test ${format(evaluationValue(test, field))}`);
    return `${name}: ${parts.join(", ")}.`;
  });
  return `${title} by ${data.x}. ${values.join(" ")}`;
}

class LiveChart {
  #data;
  #chart;
  #subscription;
  #heading = make("h2", "mt-visually-hidden"); // Plotly draws the title, but only as a picture
  #isWaiting = false; // for the curves of runs that were just selected
  /** @type {number|undefined} where the accuracy axis starts now: see ranges.js */
  #floor;
  #legendRows = 1;

  /** @param {HTMLElement} root @param {ChartData} data */
  constructor(root, data) {
    this.#data = data;
    this.#subscription = stream.subscribe({
      runs: [],
      onSeries: () => this.#onSeries(),
      onRun: (run) => {
        if (isFinished(run.status)) this.#chart.change();
        else if (run.interventions.length || run.parent_id) this.#chart.invalidate();
      },
    });
    root.append(this.#heading);
    this.#chart = new Chart(root, (width) => this.#height(width), (width) => this.#figure(width));
    this.#chart.element.setAttribute("aria-label", `${data.title} chart`); // until it is drawn
    this.update(data);
  }

  /** @param {ChartData} data */
  update(data) {
    if (data.uirevision !== this.#data.uirevision) this.#floor = undefined;
    this.#data = data;
    setText(this.#heading, data.title);
    const others = [data.baseline, data.ghost?.id].filter((id) => id !== null && id !== undefined);
    this.#subscription.change({ runs: [...new Set([...data.runs.map((run) => run.id), ...others])], smoothing: data.smoothing });
    this.#isWaiting = !this.#isComplete();
    this.#chart.resize();
  }

  destroy() {
    this.#subscription.close();
    this.#chart.destroy();
    this.#heading.remove();
  }

  /** Narrow charts are lower; a legend of several rows takes its room from below the chart, not from the curves. @param {number} width */
  #height(width) {
    return this.#plainHeight(width) + (this.#legendRows - 1) * LEGEND_ROW;
  }

  /** @param {number} width */
  #plainHeight(width) {
    const { height, only } = this.#data;
    return width && width < NARROW && only === null ? Math.round(height * 0.76) : height; // small multiples are low already
  }

  #isComplete() {
    return this.#data.runs.every((run) => stream.series(run.id));
  }

  #onSeries() {
    if (this.#isWaiting && this.#isComplete()) {
      this.#isWaiting = false;
      this.#chart.drawNow();
    } else if (this.#data.runs.every(({ id }) => isFinished(stream.run(id)?.status ?? ""))) {
      this.#chart.change();
    } else {
      this.#chart.invalidate();
    }
  }

  /** @param {{id: number, name: string, color: number}} run @returns {ChartRun|null} null while it has no data */
  #chartRun(run) {
    const series = stream.series(run.id);
    if (!series || !(series.x.length || series.evaluations.length)) return null;
    const summary = stream.run(run.id);
    const toX = stepToX(this.#data.x, series, summary);
    return { ...run, series, summary, stepToX: toX, x: series.x.map(toX), fork: forkMark(summary, stream.run(summary?.parent_id)) };
  }

  /** @param {number} width @returns {Figure} */
  #figure(width) {
    const data = this.#data;
    const runs = data.runs.map((run) => this.#chartRun(run)).filter((run) => run !== null);
    const view = makeView(data, runs, {
      colors: palette(this.#chart.element),
      width,
      height: this.#plainHeight(width),
      baseline: data.baseline === null ? null : this.#chartRun({ id: data.baseline, name: "", color: 0 }),
      ghost: data.ghost && this.#chartRun({ ...data.ghost, color: 0 }),
      interventions: data.runs.length === 1 && data.x === "step" && !data.logx ? interventionMarks(stream.run(data.runs[0].id)) : [],
    });
    const { layout, floor, rows } = buildLayout(view, this.#floor);
    this.#floor = floor;
    if (rows !== this.#legendRows) {
      this.#legendRows = rows;
      queueMicrotask(() => this.#chart.resize());
    }
    return { traces: buildTraces(view), layout, label: description(view), filename: data.title.toLowerCase(), narrow: view.narrow };
  }
}

/** @param {HTMLElement} root @param {ChartData} data */
export const mount = (root, data) => new LiveChart(root, data);
