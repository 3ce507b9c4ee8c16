/** A chart of one quantity of one or several runs, over steps, epochs, images or time, fed by the stream. */
import { layoutOf } from "./model/axes.js";
import { Chart } from "./chart.js";
import { FIELDS } from "./model/fields.js";
import { whole } from "../lib/format.js";
import { forkOf, marksOf } from "../lib/runs/interventions.js";
import { ofEachSeed } from "../lib/runs/seeds.js";
import { stream } from "../../feed/client/stream.js";
import { palette } from "../lib/theme.js";
import { tracesOf } from "./model/traces.js";
import { placeOf } from "./model/x_axes.js";

/**
 * @typedef {object} CurveData
 * @property {string} title
 * @property {"loss"|"accuracy"|"lr"|"examples_per_second"} field
 * @property {{id: number, name: string, color: number}[]} runs
 * @property {number} smoothing
 * @property {boolean} log
 * @property {"step"|"epoch"|"images"|"time"} x
 * @property {boolean} logx
 * @property {number|null} baseline draw differences to this run
 * @property {boolean} bands runs that differ only in their seeds as mean and band
 * @property {boolean} best ring the best evaluation of each of several runs
 * @property {number|null} only draw this one, with the axes of all
 * @property {number} height
 * @property {string} xtitle
 * @property {number[]} epochs steps at which epochs end
 * @property {number} total_steps
 * @property {string|null} empty
 * @property {boolean} legend
 * @property {{step: number, text: string}|null} fault
 * @property {string} uirevision
 */

/**
 * @typedef {object} Shown one run and where its points lie
 * @property {number} id @property {string} name @property {number} color
 * @property {import("../../feed/client/series.js").RunSeries} series
 * @property {(step: number) => number|null} place of a step on the x axis
 * @property {(number|null)[]} x of each bucket
 * @property {{step: number, text: string}|undefined} fork where it leaves the run it goes on from
 * @property {number[]} group ids of the runs shown that differ only in their seeds from it, one for each seed
 */

/**
 * @typedef {object} View what one drawing is made from
 * @property {CurveData} data
 * @property {object} colors see theme.js
 * @property {number} width
 * @property {boolean} narrow
 * @property {boolean} several
 * @property {boolean} bands
 * @property {Shown|null} baseline
 * @property {{step: number, number: number, text: string, hover: string}[]} marks settings changed by hand, if one run is drawn
 * @property {Shown[]} shown runs with something to draw: the axes have room for them
 * @property {Shown[]} drawn those that are drawn
 */

const NARROW = 480;

/** The current values, for those who do not see the chart. @param {View} view */
function labelOf({ data, drawn }) {
  const { field, title, empty } = data;
  if (!drawn.length) return `${title} chart. ${empty ?? "No data yet."}`;
  const { write } = FIELDS[field];
  const values = drawn.map(({ name, series }) => {
    const parts = [`training ${write(series.smoothed(field))} at step ${whole(series.step)}`];
    const validation = series.evaluationsOf("validation").at(-1);
    const test = series.evaluationsOf("test").at(-1);
    if (validation?.[field] !== undefined) parts.push(`validation ${write(validation[field])} at step ${whole(validation.step)}`);
    if (test?.[field] !== undefined) parts.push(`test ${write(test[field])}`);
    return `${name}: ${parts.join(", ")}.`;
  });
  return `${title} by ${data.x}. ${values.join(" ")}`;
}

function forkAt(id) {
  const run = stream.run(id);
  return forkOf(run, stream.run(run?.parent_id));
}

class Curves {
  #data;
  #chart;
  #subscription;
  #awaits = false; // a curve that somebody asked for
  #floor; // where the accuracy axis starts now, see axes.js

  constructor(root, data) {
    this.#data = data;
    this.#subscription = stream.subscribe({
      runs: [],
      onSeries: () => this.#onSeries(),
      onRun: (run) => (run.interventions.length || run.parent_id) && this.#chart.invalidate(),
    });
    const height = (width) => (width && width < NARROW ? Math.round(this.#data.height * 0.76) : this.#data.height);
    this.#chart = new Chart(root, height, (width) => this.#figure(width));
    this.#chart.element.setAttribute("aria-label", `${data.title} chart`); // until it is drawn
    this.update(data);
  }

  /** @param {CurveData} data */
  update(data) {
    if (data.uirevision !== this.#data.uirevision) this.#floor = undefined;
    this.#data = data;
    const baseline = data.baseline === null ? [] : [data.baseline];
    this.#subscription.change({ runs: [...new Set([...data.runs.map((run) => run.id), ...baseline])], smoothing: data.smoothing });
    this.#awaits = !this.#isComplete();
    this.#chart.invalidate();
  }

  #isComplete() {
    return this.#data.runs.every((run) => stream.series(run.id));
  }

  #onSeries() {
    const isHere = this.#awaits && this.#isComplete();
    if (isHere) this.#chart.hurry();
    else this.#chart.invalidate();
    this.#awaits &&= !isHere;
  }

  destroy() {
    this.#subscription.close();
    this.#chart.destroy();
  }

  #shownOf(run) {
    const series = stream.series(run.id);
    if (!series || !(series.x.length || series.evaluations.length)) return null;
    const place = placeOf(this.#data.x, series, stream.run(run.id));
    return { ...run, series, place, x: series.x.map(place), group: [run.id], fork: forkAt(run.id) };
  }

  #figure(width) {
    const data = this.#data;
    const shown = data.runs.map((run) => this.#shownOf(run)).filter(Boolean);
    if (data.bands) groupSeeds(shown);
    const baseline = data.baseline === null ? null : this.#shownOf({ id: data.baseline, name: "", color: 0 });
    const view = {
      data,
      shown,
      drawn: data.only === null ? shown : shown.filter((run) => run.id === data.only),
      baseline,
      bands: data.bands,
      marks: data.runs.length === 1 && data.x === "step" && !data.logx ? marksOf(stream.run(data.runs[0].id)) : [],
      width,
      narrow: width < NARROW,
      // One run alone keeps the colour that the table gave it, unless that is the colour of the role anyway.
      several: data.runs.length > 1 || data.runs[0]?.color > 0 || data.field === "lr" || data.baseline !== null,
      colors: palette(this.#chart.element),
    };
    const { layout, floor } = layoutOf(view, this.#floor);
    this.#floor = floor;
    return { traces: tracesOf(view), layout, label: labelOf(view), filename: data.title.toLowerCase(), narrow: view.narrow };
  }
}

/** @param {Shown[]} shown */
function groupSeeds(shown) {
  const groups = new Map();
  for (const run of shown) {
    const known = stream.run(run.id);
    if (known) groups.set(known.seed_group, [...(groups.get(known.seed_group) ?? []), run]);
  }
  for (const runs of groups.values()) {
    const ids = ofEachSeed(runs.map(({ id }) => stream.run(id))).map(({ id }) => id);
    for (const run of runs) run.group = ids;
  }
}

export const mount = (root, data) => new Curves(root, data);
