/**
 * The Loss and Accuracy charts, fed by the stream. One run: colour says what a curve is (each batch, smoothed, validation, test).
 * Several: colour says which run, and the style what it is (solid train, dotted hollow circles validation, diamond test).
 */
import { layoutOf } from "./axes.js";
import { Chart } from "./chart.js";
import { loss, percent, plotlyText, short, whole } from "./format.js";
import { forkOf, marksOf } from "./interventions.js";
import { stream } from "./stream.js";
import { palette, runColor } from "./theme.js";

/**
 * @typedef {object} CurveData
 * @property {string} title
 * @property {"loss"|"accuracy"} field
 * @property {{id: number, name: string, color: number}[]} runs
 * @property {number} smoothing
 * @property {boolean} log
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
 * @typedef {object} View what one drawing is made from
 * @property {CurveData} data
 * @property {object} colors see theme.js
 * @property {number} width
 * @property {boolean} narrow
 * @property {boolean} several
 * @property {{step: number, number: number, text: string, hover: string}[]} marks settings changed by hand, if one run is drawn
 * @property {{id: number, name: string, color: number, series: import("./series.js").RunSeries, fork: object|undefined}[]} shown
 *   runs with something to draw, and where each leaves the run it goes on from
 */

const NARROW = 480;
const written = { loss, accuracy: percent };

/** The extremes of every batch as one line: a point a bucket, or two where a bucket holds several batches. */
function rawLine(series, field) {
  const { low, high } = series[field];
  if (series.width === 1) return { x: series.x, y: high };
  const x = [];
  const y = [];
  for (let i = 0; i < series.x.length; i++) {
    x.push(series.x[i], series.x[i]);
    // Up in one bucket and down in the next, so that the line does not run back and forth
    if (i % 2) y.push(high[i], low[i]);
    else y.push(low[i], high[i]);
  }
  return { x, y };
}

function smoothTrace(run, { data, colors, several }) {
  const { x } = run.series;
  const { smooth } = run.series[data.field];
  return {
    uid: `${run.id}-smooth`,
    type: "scatter",
    mode: "lines",
    x,
    y: smooth,
    customdata: smooth.map(written[data.field]),
    line: { color: several ? runColor(colors, run.color) : colors.train, width: 2 },
    hovertemplate: `${several ? plotlyText(short(run.name)) : "Train"} %{customdata}<extra></extra>`,
    legendrank: 1,
  };
}

/** Evaluations of one split; the marker's edge parts it from the lines it lies on. */
function evaluationTrace(run, split, { data, colors, several }) {
  const found = run.series.evaluationsOf(split).filter((e) => e[data.field] !== null);
  if (!found.length) return [];
  const test = split === "test";
  const color = several ? runColor(colors, run.color) : colors[split];
  const hollow = several && !test;
  const word = test ? "Test" : "Validation";
  return [{
    uid: `${run.id}-${split}`,
    type: "scatter",
    mode: test ? "markers" : "lines+markers",
    cliponaxis: false,
    x: found.map((e) => e.step),
    y: found.map((e) => e[data.field]),
    customdata: found.map((e) => [written[data.field](e[data.field]), whole(e.step)]),
    name: several ? `${plotlyText(short(run.name))}, ${word.toLowerCase()}` : word,
    showlegend: !several,
    legendgroup: several ? run.id : undefined, // one click hides all of a run
    line: { color, width: 1.5, dash: several ? "dot" : "solid" },
    marker: {
      size: test ? 11 : found.length > 30 ? 5 : 8,
      symbol: test ? "diamond" : "circle",
      color: hollow ? colors.background : color,
      line: { color: hollow ? color : colors.background, width: 1.5 },
    },
    hovertemplate: `${several ? `${plotlyText(short(run.name))}, ${word.toLowerCase()}` : word} %{customdata[0]} at step %{customdata[1]}<extra></extra>`,
    legendrank: test ? 4 : 3,
  }];
}

/** @param {View} view */
function tracesOf(run, view) {
  const { data, colors, narrow, several } = view;
  const evaluations = [...evaluationTrace(run, "validation", view), ...evaluationTrace(run, "test", view)];
  if (several) {
    return [{ ...smoothTrace(run, view), name: plotlyText(short(run.name)), legendgroup: run.id }, ...evaluations];
  }
  const raw = {
    uid: `${run.id}-raw`,
    type: "scatter",
    mode: "lines",
    ...rawLine(run.series, data.field),
    name: narrow ? "Each batch" : "Train, each batch",
    line: { color: colors.train, width: 1 },
    opacity: colors.rawOpacity,
    hoverinfo: "skip",
    legendrank: 2,
  };
  return [raw, { ...smoothTrace(run, view), name: narrow ? "Smoothed" : "Train, smoothed" }, ...evaluations];
}

/** The current values, for those who do not see the chart. @param {View} view */
function labelOf({ data, shown }) {
  const { field, title, empty } = data;
  if (!shown.length) return `${title} chart. ${empty ?? "No data yet."}`;
  const values = shown.map(({ name, series }) => {
    const validation = series.evaluationsOf("validation").at(-1);
    const test = series.evaluationsOf("test").at(-1);
    const parts = [`training ${written[field](series.smoothed(field))} at step ${whole(series.step)}`];
    if (validation) parts.push(`validation ${written[field](validation[field])} at step ${whole(validation.step)}`);
    if (test) parts.push(`test ${written[field](test[field])}`);
    return `${name}: ${parts.join(", ")}.`;
  });
  return `${title} by step. ${values.join(" ")}`;
}

function forkAt(id) {
  const run = stream.run(id);
  return forkOf(run, stream.run(run?.parent_id));
}

class Curves {
  #data;
  #chart;
  #subscription;
  #floor; // where the accuracy axis starts now, see axes.js

  constructor(root, data) {
    this.#data = data;
    this.#subscription = stream.subscribe({
      runs: [],
      onSeries: () => this.#chart.invalidate(),
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
    this.#subscription.change({ runs: data.runs.map((run) => run.id), smoothing: data.smoothing });
    this.#chart.invalidate();
  }

  destroy() {
    this.#subscription.close();
    this.#chart.destroy();
  }

  #figure(width) {
    const data = this.#data;
    const shown = data.runs
      .map((run) => ({ ...run, series: stream.series(run.id), fork: forkAt(run.id) }))
      .filter(({ series }) => series && (series.x.length || series.evaluations.length));
    const view = {
      data,
      shown,
      marks: data.runs.length === 1 ? marksOf(stream.run(data.runs[0].id)) : [],
      width,
      narrow: width < NARROW,
      // One run alone keeps the colour that the table gave it, unless that is the colour of the role anyway.
      several: data.runs.length > 1 || data.runs[0]?.color > 0,
      colors: palette(this.#chart.element),
    };
    const { layout, floor } = layoutOf(view, this.#floor);
    this.#floor = floor;
    return {
      traces: shown.flatMap((run) => tracesOf(run, view)),
      layout,
      label: labelOf(view),
      filename: data.title.toLowerCase(),
      narrow: view.narrow,
    };
  }
}

export const mount = (root, data) => new Curves(root, data);
