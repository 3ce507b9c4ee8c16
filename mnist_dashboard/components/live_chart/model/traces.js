/**
 * The curves of the charts as Plotly traces. One run: colour says what a curve is (each batch, smoothed, validation, test).
 * Several: colour says which run, and the style what it is (solid train, dotted hollow circles validation, diamond test).
 */
import { escapeForPlotly, shorten } from "../../lib/format.js";
import { runColor, runDash } from "../../lib/theme.js";
import { bestEvaluation, evaluationValue, meanBand, subtractLine } from "./differences.js";
import { FIELDS, formatDifference } from "./fields.js";
import { X_AXES, interpolate } from "./x_axes.js";

/**
 * @import { Split } from "../../lib/types"
 * @import { ChartRun, View } from "../live_chart.js"
 * @import { Trace } from "../plotly"
 */

/** @param {View} view @returns {Trace[]} */
export function buildTraces(view) {
  const traces = view.drawn.flatMap((run) => (view.bands && run.seedGroup.length > 1 ? [] : runTraces(run, view)));
  return view.bands ? [...traces, ...seedGroups(view).flatMap((group) => bandTraces(group, view))] : traces;
}

/** @param {ChartRun} run @param {View} view @returns {Trace[]} */
function runTraces(run, view) {
  const { narrow, several } = view;
  const evaluations = [...evaluationTrace(run, "validation", view), ...evaluationTrace(run, "test", view), ...bestTrace(run, view)];
  const name = escapeForPlotly(shorten(run.name));
  if (several) return [{ ...smoothedTrace(run, view), name, legendgroup: String(run.id) }, ...evaluations];
  return [...batchTrace(run, view), { ...smoothedTrace(run, view), name: narrow ? "Smoothed" : "Train, smoothed" }, ...evaluations];
}

/**
 * The extremes of every batch as one line: a point a bucket, or two where a bucket holds several batches.
 * @param {ChartRun} run @param {View} view @returns {Trace[]}
 */
function batchTrace(run, { data, colors, narrow }) {
  if (data.field === "lr") return [];
  const { low, high } = run.series[data.field];
  /** @type {(number|null)[]} */
  const x = [];
  /** @type {(number|null)[]} */
  const y = [];
  run.x.forEach((position, i) => {
    if (run.series.bucketSize === 1) {
      x.push(position);
      y.push(high[i]);
      return;
    }
    x.push(position, position);
    // Up in one bucket and down in the next, so that the line does not run back and forth
    if (i % 2) y.push(high[i], low[i]);
    else y.push(low[i], high[i]);
  });
  return [{
    uid: `${run.id}-raw`,
    type: "scatter",
    mode: "lines",
    x,
    y,
    name: narrow ? "Each batch" : "Train, each batch",
    line: { color: colors.train, width: 1 },
    opacity: colors.rawOpacity,
    hoverinfo: "skip",
    ofBatches: true,
    legendrank: 2,
  }];
}

/** The smoothed curve of a run, or its difference to the baseline's. @param {ChartRun} run @param {View} view */
export function runLine(run, { data, baseline }) {
  const line = { x: run.x, y: run.series.line(data.field) };
  return baseline ? subtractLine(line, { x: baseline.x, y: baseline.series.line(data.field) }) : line;
}

/** @param {View} view @returns {(value: number|null) => string} */
const formatter = ({ data, baseline }) => (baseline ? (value) => formatDifference(data.field, value) : FIELDS[data.field].format);

/** @param {ChartRun} run @param {View} view @returns {Trace} */
function smoothedTrace(run, view) {
  const { data, colors, several } = view;
  const { x, y } = runLine(run, view);
  return {
    uid: `${run.id}-smooth`,
    type: "scatter",
    mode: "lines",
    x,
    y,
    hoverTexts: () => y.map(formatter(view)),
    line: {
      color: several ? runColor(colors, run.color) : colors.train,
      dash: several ? runDash(run.color) : "solid",
      shape: data.field === "lr" ? "hv" : "linear",
      width: 2,
    },
    hovertemplate: `${several ? escapeForPlotly(shorten(run.name)) : "Train"} %{customdata}<extra></extra>`,
    legendrank: 1,
  };
}

/**
 * The evaluations of one split as points of the chart; against a baseline, minus the baseline's at the same x.
 * @param {ChartRun} run @param {Split} split @param {View} view
 */
function evaluationPoints(run, split, { data, baseline }) {
  /** @param {ChartRun} from */
  const points = (from) => from.series.evaluationsOf(split).flatMap((evaluation) => {
    const y = evaluationValue(evaluation, data.field);
    return y === null ? [] : [{ x: from.stepToX(evaluation.step), y }];
  });
  if (!baseline) return points(run);
  const base = points(baseline);
  const [baseX, baseY] = [base.map((point) => point.x), base.map((point) => point.y)];
  return points(run).flatMap(({ x, y }) => {
    const baseValue = interpolate(baseX, baseY, x);
    return baseValue === null ? [] : [{ x, y: y - baseValue }];
  });
}

/**
 * The evaluations of one split. The edge of a marker sets it off from the lines it lies on.
 * @param {ChartRun} run @param {Split} split @param {View} view @returns {Trace[]}
 */
function evaluationTrace(run, split, view) {
  const { data, colors, several } = view;
  const points = evaluationPoints(run, split, view);
  if (!points.length) return [];
  const isTest = split === "test";
  const color = several ? runColor(colors, run.color) : colors[split];
  const hollow = several && !isTest;
  const label = isTest ? "Test" : "Validation";
  const name = several ? `${escapeForPlotly(shorten(run.name))}, ${label.toLowerCase()}` : label;
  const format = formatter(view);
  return [{
    uid: `${run.id}-${split}`,
    type: "scatter",
    mode: isTest ? "markers" : "lines+markers",
    cliponaxis: false,
    x: points.map((point) => point.x),
    y: points.map((point) => point.y),
    customdata: points.map((point) => [format(point.y), point.x === null ? "" : X_AXES[data.x].format(point.x)]),
    name,
    showlegend: !several,
    legendgroup: several ? String(run.id) : undefined, // one click hides all of a run
    line: { color, width: 1.5, dash: several ? "dot" : "solid" },
    marker: {
      size: isTest ? 11 : points.length > 30 ? 5 : 8,
      symbol: isTest ? "diamond" : "circle",
      color: hollow ? colors.background : color,
      line: { color: hollow ? color : colors.background, width: 1.5 },
    },
    hovertemplate: `${name} %{customdata[0]} at %{customdata[1]}<extra></extra>`,
    legendrank: isTest ? 4 : 3,
  }];
}

/** A ring around the best evaluation of a run, where runs are compared. @param {ChartRun} run @param {View} view @returns {Trace[]} */
function bestTrace(run, { data, colors, several, baseline }) {
  const best = several && !baseline && data.best ? bestEvaluation(run.series, data.field) : null;
  if (!best) return [];
  return [{
    uid: `${run.id}-best`,
    type: "scatter",
    mode: "markers",
    cliponaxis: false,
    x: [run.stepToX(best.step)],
    y: [best.value],
    showlegend: false,
    legendgroup: String(run.id),
    marker: { size: 17, symbol: "circle-open", color: runColor(colors, run.color), line: { width: 2 } },
    hovertemplate: `${escapeForPlotly(shorten(run.name))}, best ${best.split} ${FIELDS[data.field].format(best.value)}<extra></extra>`,
  }];
}

/** Drawn runs that differ only in their seeds, each group once. @param {View} view */
function seedGroups({ drawn }) {
  const groups = new Map(drawn.filter((run) => run.seedGroup.length > 1).map((run) => [run.seedGroup.join(), run.seedGroup]));
  return [...groups.values()].map((ids) => drawn.filter((run) => ids.includes(run.id)));
}

/**
 * A group of seeds: its mean, and a band of one standard deviation to each side.
 * @param {ChartRun[]} runs @param {View} view @returns {Trace[]}
 */
function bandTraces(runs, view) {
  const { x, mean, low, high } = meanBand(runs.map((run) => runLine(run, view)));
  const points = x.flatMap((position, i) => {
    const [middle, bottom, top] = [mean[i], low[i], high[i]];
    return middle === null || bottom === null || top === null ? [] : [{ x: position, middle, bottom, top }];
  });
  const [first] = runs;
  const color = runColor(view.colors, first.color);
  const name = `${escapeForPlotly(shorten(first.name))} and ${runs.length - 1} more ${runs.length === 2 ? "seed" : "seeds"}`;
  const common = { type: "scatter", mode: "lines", x: points.map((point) => point.x), legendgroup: `seeds-${first.id}` };
  const edge = { ...common, line: { width: 0, color }, hoverinfo: "skip", showlegend: false };
  const format = formatter(view);
  const sd = FIELDS[view.data.field].format;
  return [
    { ...edge, uid: `${first.id}-low`, y: points.map((point) => point.bottom) },
    { ...edge, uid: `${first.id}-high`, y: points.map((point) => point.top), fill: "tonexty", fillcolor: `${color}33` },
    {
      ...common,
      uid: `${first.id}-mean`,
      y: points.map((point) => point.middle),
      hoverTexts: () => points.map(({ middle, bottom }) => `${format(middle)} ± ${sd(middle - bottom)}`),
      name,
      line: { color, width: 2, dash: runDash(first.color) },
      hovertemplate: `${name}: %{customdata}<extra></extra>`,
    },
  ];
}
