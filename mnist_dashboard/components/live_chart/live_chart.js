/** A chart of one quantity of one or several runs, over steps, epochs, images or time, fed by the stream. */
import { stream } from "../../feed/client/stream.js";
import { formatCount } from "../lib/format.js";
import { forkMark, interventionMarks } from "../lib/runs/interventions.js";
import { oneRunPerSeed } from "../lib/runs/seeds.js";
import { palette } from "../lib/theme.js";
import { Chart } from "./chart.js";
import { buildLayout } from "./model/layout.js";
import { evaluationValue } from "./model/differences.js";
import { FIELDS } from "./model/fields.js";
import { buildTraces } from "./model/traces.js";
import { stepToX } from "./model/x_axes.js";

/**
 * @import { RunSeries } from "../../feed/client/series.js"
 * @import { ChartField } from "../lib/types"
 * @import { Figure } from "./chart.js"
 * @import { Axis } from "./model/x_axes.js"
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
 * @property {number|null} only draw this one, with the axes of all
 * @property {number} height
 * @property {boolean} xtitle whether the x axis has a title
 * @property {number[]} epochs steps at which epochs end
 * @property {number} total_steps
 * @property {string|null} empty text while there is no data
 * @property {boolean} legend
 * @property {{step: number, text: string}|null} fault
 * @property {string} uirevision
 */

/**
 * @typedef {object} ChartRun one run and where its points lie
 * @property {number} id
 * @property {string} name
 * @property {number} color
 * @property {RunSeries} series
 * @property {(step: number) => number|null} stepToX
 * @property {(number|null)[]} x of each bucket
 * @property {{step: number, text: string}|undefined} fork where it branches off from its parent
 * @property {number[]} seedGroup ids of the shown runs that differ from it only in their seeds, one for each seed
 */

/**
 * @typedef {object} View everything that one drawing depends on
 * @property {ChartData} data
 * @property {import("../lib/theme.js").Palette} colors
 * @property {number} width
 * @property {boolean} narrow
 * @property {boolean} several whether colour says which run, rather than what a curve is
 * @property {boolean} bands
 * @property {ChartRun|null} baseline
 * @property {ReturnType<typeof interventionMarks>} interventions if one run is drawn over steps
 * @property {ChartRun[]} shown runs that have data: the axes have room for them
 * @property {ChartRun[]} drawn those of them that are drawn
 */

const NARROW = 480;

/** The current values in words, for screen readers. @param {View} view */
function description({ data, drawn }) {
  const { field, title, empty } = data;
  if (!drawn.length) return `${title} chart. ${empty ?? "No data yet."}`;
  const { format } = FIELDS[field];
  const values = drawn.map(({ name, series }) => {
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
  #isWaiting = false; // for the curves of runs that were just selected
  /** @type {number|undefined} where the accuracy axis starts now: see ranges.js */
  #floor;

  /** @param {HTMLElement} root @param {ChartData} data */
  constructor(root, data) {
    this.#data = data;
    this.#subscription = stream.subscribe({
      runs: [],
      onSeries: () => this.#onSeries(),
      onRun: (run) => {
        if (run.interventions.length || run.parent_id) this.#chart.invalidate();
      },
    });
    /** @param {number} width */
    const height = (width) => (width && width < NARROW ? Math.round(this.#data.height * 0.76) : this.#data.height);
    this.#chart = new Chart(root, height, (width) => this.#figure(width));
    this.#chart.element.setAttribute("aria-label", `${data.title} chart`); // until it is drawn
    this.update(data);
  }

  /** @param {ChartData} data */
  update(data) {
    if (data.uirevision !== this.#data.uirevision) this.#floor = undefined;
    this.#data = data;
    const baseline = data.baseline === null ? [] : [data.baseline];
    this.#subscription.change({ runs: [...new Set([...data.runs.map((run) => run.id), ...baseline])], smoothing: data.smoothing });
    this.#isWaiting = !this.#isComplete();
    this.#chart.resize();
  }

  destroy() {
    this.#subscription.close();
    this.#chart.destroy();
  }

  #isComplete() {
    return this.#data.runs.every((run) => stream.series(run.id));
  }

  #onSeries() {
    if (this.#isWaiting && this.#isComplete()) {
      this.#isWaiting = false;
      this.#chart.drawNow();
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
    const fork = forkMark(summary, stream.run(summary?.parent_id));
    return { ...run, series, stepToX: toX, x: series.x.map(toX), seedGroup: [run.id], fork };
  }

  /** @param {number} width @returns {Figure} */
  #figure(width) {
    const data = this.#data;
    const shown = data.runs.map((run) => this.#chartRun(run)).filter((run) => run !== null);
    if (data.bands) groupSeeds(shown);
    /** @type {View} */
    const view = {
      data,
      shown,
      drawn: data.only === null ? shown : shown.filter((run) => run.id === data.only),
      baseline: data.baseline === null ? null : this.#chartRun({ id: data.baseline, name: "", color: 0 }),
      bands: data.bands,
      interventions: data.runs.length === 1 && data.x === "step" && !data.logx ? interventionMarks(stream.run(data.runs[0].id)) : [],
      width,
      narrow: width < NARROW,
      // One run alone keeps the colour that the table gave it, unless that is the colour of the role anyway.
      several: data.runs.length > 1 || data.runs[0]?.color > 0 || data.field === "lr" || data.baseline !== null,
      colors: palette(this.#chart.element),
    };
    const { layout, floor } = buildLayout(view, this.#floor);
    this.#floor = floor;
    return { traces: buildTraces(view), layout, label: description(view), filename: data.title.toLowerCase(), narrow: view.narrow };
  }
}

/** @param {ChartRun[]} shown */
function groupSeeds(shown) {
  const summaries = shown.map((run) => stream.run(run.id)).filter((summary) => summary !== undefined);
  for (const group of Map.groupBy(summaries, (summary) => summary.seed_group).values()) {
    const ids = oneRunPerSeed(group).map(({ id }) => id);
    for (const run of shown) if (group.some(({ id }) => id === run.id)) run.seedGroup = ids;
  }
}

/** @param {HTMLElement} root @param {ChartData} data */
export const mount = (root, data) => new LiveChart(root, data);
