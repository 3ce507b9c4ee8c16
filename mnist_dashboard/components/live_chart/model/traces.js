/**
 * The curves of the charts as Plotly traces. One run: colour says what a curve is (each batch, smoothed, validation, test).
 * Several: colour says which run, and the style what it is (solid train, dotted hollow circles validation, diamond test).
 */
import { band, bestEvaluation, minus } from "./differences.js";
import { FIELDS, signed } from "./fields.js";
import { plotlyText, short } from "../../lib/format.js";
import { dashOf, runColor } from "../../lib/theme.js";
import { X_AXES, interpolate } from "./x_axes.js";

/** @typedef {import("../live_chart.js").View} View @typedef {import("../live_chart.js").Shown} Shown */

/** @param {View} view @returns {object[]} */
export function tracesOf(view) {
  const drawn = view.drawn.flatMap((run) => (view.bands && run.group.length > 1 ? [] : tracesOfRun(run, view)));
  return view.bands ? [...drawn, ...groupsOf(view).flatMap((group) => bandTraces(group, view))] : drawn;
}

function tracesOfRun(run, view) {
  const { narrow, several } = view;
  const evaluations = [...evaluationTrace(run, "validation", view), ...evaluationTrace(run, "test", view), ...bestTrace(run, view)];
  const name = plotlyText(short(run.name));
  if (several) return [{ ...lineTrace(run, view), name, legendgroup: String(run.id) }, ...evaluations];
  return [rawTrace(run, view), { ...lineTrace(run, view), name: narrow ? "Smoothed" : "Train, smoothed" }, ...evaluations];
}

/** The extremes of every batch as one line: a point a bucket, or two where a bucket holds several batches. */
function rawTrace(run, { data, colors, narrow }) {
  const { low, high } = run.series[data.field];
  const x = [];
  const y = [];
  run.x.forEach((at, i) => {
    if (run.series.width === 1) {
      x.push(at);
      y.push(high[i]);
      return;
    }
    x.push(at, at);
    // Up in one bucket and down in the next, so that the line does not run back and forth
    if (i % 2) y.push(high[i], low[i]);
    else y.push(low[i], high[i]);
  });
  return {
    uid: `${run.id}-raw`,
    type: "scatter",
    mode: "lines",
    x,
    y,
    name: narrow ? "Each batch" : "Train, each batch",
    line: { color: colors.train, width: 1 },
    opacity: colors.rawOpacity,
    hoverinfo: "skip",
    legendrank: 2,
  };
}

/** The smoothed curve of a run, or its difference to the baseline's. @param {Shown} run @param {View} view */
export function lineOf(run, { data, baseline }) {
  const line = { x: run.x, y: run.series.line(data.field) };
  return baseline ? minus(line, { x: baseline.x, y: baseline.series.line(data.field) }) : line;
}

const written = ({ data, baseline }) => (value) => (baseline ? signed(data.field, value) : FIELDS[data.field].write(value));

function lineTrace(run, view) {
  const { data, colors, several } = view;
  const { x, y } = lineOf(run, view);
  return {
    uid: `${run.id}-smooth`,
    type: "scatter",
    mode: "lines",
    x,
    y,
    customdata: y.map(written(view)),
    line: {
      color: several ? runColor(colors, run.color) : colors.train,
      dash: several ? dashOf(run.color) : "solid",
      shape: data.field === "lr" ? "hv" : "linear",
      width: 2,
    },
    hovertemplate: `${several ? plotlyText(short(run.name)) : "Train"} %{customdata}<extra></extra>`,
    legendrank: 1,
  };
}

/** Evaluations of one split at their places; against the baseline, its own at the same place are taken off. */
function evaluationsOf(run, split, { data, baseline }) {
  const known = (from) => from.series.evaluationsOf(split).filter((e) => (e[data.field] ?? null) !== null);
  const points = (from) => known(from).map((e) => ({ x: from.place(e.step), y: e[data.field], step: e.step }));
  if (!baseline) return points(run);
  const base = points(baseline);
  const at = (x) => interpolate(base.map((p) => p.x), base.map((p) => p.y), x);
  return points(run).map((p) => ({ ...p, y: at(p.x) === null ? null : p.y - at(p.x) })).filter((p) => p.y !== null);
}

/** The marker's edge parts it from the lines it lies on. */
function evaluationTrace(run, split, view) {
  const { data, colors, several } = view;
  const found = evaluationsOf(run, split, view);
  if (!found.length) return [];
  const test = split === "test";
  const color = several ? runColor(colors, run.color) : colors[split];
  const hollow = several && !test;
  const word = test ? "Test" : "Validation";
  const name = several ? `${plotlyText(short(run.name))}, ${word.toLowerCase()}` : word;
  return [{
    uid: `${run.id}-${split}`,
    type: "scatter",
    mode: test ? "markers" : "lines+markers",
    cliponaxis: false,
    x: found.map((e) => e.x),
    y: found.map((e) => e.y),
    customdata: found.map((e) => [written(view)(e.y), X_AXES[data.x].write(e.x)]),
    name,
    showlegend: !several,
    legendgroup: several ? String(run.id) : undefined, // one click hides all of a run
    line: { color, width: 1.5, dash: several ? "dot" : "solid" },
    marker: {
      size: test ? 11 : found.length > 30 ? 5 : 8,
      symbol: test ? "diamond" : "circle",
      color: hollow ? colors.background : color,
      line: { color: hollow ? color : colors.background, width: 1.5 },
    },
    hovertemplate: `${name} %{customdata[0]} at %{customdata[1]}<extra></extra>`,
    legendrank: test ? 4 : 3,
  }];
}

/** A ring around the best evaluation of a run, where runs are compared. */
function bestTrace(run, view) {
  const { data, colors, several, baseline } = view;
  const best = several && !baseline && data.best ? bestEvaluation(run.series, data.field) : null;
  if (!best) return [];
  const value = FIELDS[data.field].write(best[data.field]);
  return [{
    uid: `${run.id}-best`,
    type: "scatter",
    mode: "markers",
    cliponaxis: false,
    x: [run.place(best.step)],
    y: [best[data.field]],
    showlegend: false,
    legendgroup: String(run.id),
    marker: { size: 17, symbol: "circle-open", color: runColor(colors, run.color), line: { width: 2 } },
    hovertemplate: `${plotlyText(short(run.name))}, best ${best.split} ${value}<extra></extra>`,
  }];
}

/** Runs that differ only in their seeds, each group once. @param {View} view */
function groupsOf({ drawn }) {
  const groups = new Map(drawn.filter((run) => run.group.length > 1).map((run) => [run.group.join(), run.group]));
  return [...groups.values()].map((ids) => drawn.filter((run) => ids.includes(run.id)));
}

/** A group of seeds: its mean, and a band of one standard deviation to each side. @param {Shown[]} runs @param {View} view */
function bandTraces(runs, view) {
  const { colors } = view;
  const { x, mean, low, high } = band(runs.map((run) => lineOf(run, view)));
  const known = x.map((_, i) => i).filter((i) => mean[i] !== null);
  const pick = (values) => known.map((i) => values[i]);
  const [first] = runs;
  const color = runColor(colors, first.color);
  const name = `${plotlyText(short(first.name))} and ${runs.length - 1} more ${runs.length === 2 ? "seed" : "seeds"}`;
  const common = { type: "scatter", mode: "lines", x: pick(x), legendgroup: `seeds-${first.id}` };
  const edge = { ...common, line: { width: 0, color }, hoverinfo: "skip", showlegend: false };
  return [
    { ...edge, uid: `${first.id}-low`, y: pick(low) },
    { ...edge, uid: `${first.id}-high`, y: pick(high), fill: "tonexty", fillcolor: `${color}33` },
    {
      ...common,
      uid: `${first.id}-mean`,
      y: pick(mean),
      customdata: known.map((i) => `${written(view)(mean[i])} ± ${FIELDS[view.data.field].write(mean[i] - low[i])}`),
      name,
      line: { color, width: 2, dash: dashOf(first.color) },
      hovertemplate: `${name}: %{customdata}<extra></extra>`,
    },
  ];
}
