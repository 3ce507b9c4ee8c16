/**
 * The curves of the charts as Plotly traces. One run: colour says what a curve is (each batch, smoothed, validation, test).
 * Several: colour says which run, and the style what it is (solid train, dotted hollow circles validation, diamond test).
 */
import { LABELS } from "../../lib/constants.js";
import { escapeForPlotly } from "../../lib/format.js";
import { shorten } from "../../lib/runs/names.js";
import { runColor, runDash } from "../../lib/theme.js";
import { FIELDS, formatDifference, isSmoothed } from "./axes/fields.js";
import { X_AXES } from "./axes/x_axes.js";
import { isolatedPoints } from "./curves.js";

/**
 * @import { Split } from "../../lib/types"
 * @import { Json, Trace } from "../plotly"
 * @import { Line } from "./differences.js"
 * @import { Item, View } from "./view.js"
 */

/** Names in the legend of a single run; a narrow chart leaves the test and the ghost out, which have marks of their own. */
const LEGEND = { smoothed: "Smoothed", train: "Train", batches: "Each batch", validation: LABELS.VALIDATION, test: LABELS.TEST };

const GHOST_IN_LEGEND_WIDTH = 620; // pixels of the chart: in a smaller one the legend would need a second row
const LETTER_WIDTH = 6.2; // pixels in the legend, roughly

/** The name of the ghost, cut to what a legend of one row has room for. @param {{ghost: {name: string}, width: number}} view */
export function shortGhostName({ ghost, width }) {
  const letters = 12 + Math.floor((width - GHOST_IN_LEGEND_WIDTH) / LETTER_WIDTH);
  return shorten(ghost.name, Math.min(Math.max(letters, 12), 24));
}

/** @param {string} name */
const ghostName = (name) => `${name}, before`;

/** The names in the legend, in its order; those that are yet to come, too, so that no row is added later. @param {View} view */
export function legendNames({ several, narrow, drawn, ghost, width }) {
  if (several) return drawn.map(({ name }) => name);
  const always = [LEGEND.smoothed, LEGEND.batches, LEGEND.validation];
  if (narrow) return always;
  const ghosts = ghost && width >= GHOST_IN_LEGEND_WIDTH ? [ghostName(shortGhostName({ ghost, width }))] : [];
  return [...always, LEGEND.test, ...ghosts];
}

/** @param {View} view @returns {Trace[]} */
export function buildTraces(view) {
  const { drawn, several } = view;
  return drawn.flatMap((item) => [
    ...bandTraces(item, view),
    ...batchTraces(item, view),
    ...(several ? [] : ghostTraces(view)),
    ...lineTraces(item, view),
    ...aloneTraces(item, view),
    ...evaluationTraces(item, "validation", view),
    ...evaluationTraces(item, "test", view),
    ...bestTraces(item, view),
  ]);
}

/** @param {Item} item @param {View} view */
const colorOf = (item, { colors, several }) => (several ? runColor(colors, item.color) : colors.train);

/** One click on the legend hides all of an item. @param {Item} item @param {View} view */
const legendGroup = (item, { several }) => (several ? String(item.id) : undefined);

/** @param {Item} item */
const isGroup = (item) => item.runs.length > 1;

/** A text beside the pointer; where it is the only one, it says where it is. @param {string} text @param {View} view */
const hoverTemplate = (text, { unified, data }) => `${text}${unified ? "" : `<br>${X_AXES[data.x].hover}`}<extra></extra>`;

/** @param {View} view @returns {(value: number|null) => string} */
const formatter = ({ data, baseline }) => (baseline ? (value) => formatDifference(data.field, value) : FIELDS[data.field].format);

/** @param {Item} item @param {View} view @returns {Trace[]} */
function batchTraces(item, view) {
  const { batches } = item.curves;
  if (!batches) return [];
  return [{
    uid: `${item.id}-raw`,
    type: "scatter",
    mode: "lines",
    ...batches,
    name: LEGEND.batches,
    line: { color: colorOf(item, view), width: 1 },
    opacity: view.colors.rawOpacity,
    hoverinfo: "skip",
    ofBatches: true,
    showlegend: !view.several,
    legendgroup: legendGroup(item, view),
    legendrank: 2,
  }];
}

/** The previous run, behind the curve of the one shown. @param {View} view @returns {Trace[]} */
function ghostTraces({ ghost, data, colors, width }) {
  if (!ghost) return [];
  const name = escapeForPlotly(shortGhostName({ ghost, width }));
  const { format } = FIELDS[data.field];
  const line = {
    uid: "ghost",
    type: "scatter",
    mode: "lines",
    ...ghost.line,
    name: ghostName(name),
    showlegend: width >= GHOST_IN_LEGEND_WIDTH, // its end is labelled anyway
    hoverTexts: () => ghost.line.y.map(format),
    line: { color: colors.ghost, width: 1.5 },
    hovertemplate: `${name} %{customdata}<extra></extra>`,
    legendrank: 5,
  };
  return [line, ...dotTraces(ghost.line, line)];
}

/** @param {View} view */
const trainName = ({ data }) => (isSmoothed(data.field) && data.smoothing > 0 ? LEGEND.smoothed : LEGEND.train);

/** The smoothed curve of a run, or the mean of a group. @param {Item} item @param {View} view @returns {Trace[]} */
function lineTraces(item, view) {
  const { several, data } = view;
  const { line, band } = item.curves;
  const name = escapeForPlotly(several ? item.name : trainName(view));
  const format = formatter(view);
  const sd = FIELDS[data.field].format;
  const deviations = band ? new Map(band.x.map((x, i) => [x, (band.high[i] - band.low[i]) / 2])) : null;
  /** @param {number|null} value @param {number} i */
  const hoverText = (value, i) => {
    const deviation = deviations?.get(line.x[i]);
    return deviation === undefined ? format(value) : `${format(value)} ± ${sd(deviation)}`;
  };
  const trace = {
    uid: `${item.id}-${isGroup(item) ? "mean" : "smooth"}`,
    type: "scatter",
    mode: "lines",
    ...line,
    hoverTexts: () => line.y.map(hoverText),
    name,
    line: {
      color: colorOf(item, view),
      dash: several ? runDash(item.color) : "solid",
      shape: data.field === "lr" ? "hv" : "linear",
      width: 2,
    },
    hovertemplate: hoverTemplate(`${several ? name : LEGEND.train} %{customdata}`, view),
    legendgroup: legendGroup(item, view),
    legendrank: 1,
  };
  const error = band?.x.length === 1 ? { type: "data", array: [(band.high[0] - band.low[0]) / 2] } : undefined;
  return [trace, ...dotTraces(line, trace, error)];
}

/**
 * Dots for the points of a line that have no neighbours, in its colour.
 * @param {Line} line @param {Trace} trace that draws it @param {Json} [error] bar of the only point
 * @returns {Trace[]}
 */
function dotTraces(line, trace, error) {
  const points = isolatedPoints(line);
  if (!points.x.length) return [];
  return [{
    uid: `${trace.uid}-dots`,
    type: "scatter",
    mode: "markers",
    cliponaxis: false,
    ...points,
    marker: { size: 6, color: trace.line?.color },
    error_y: error && { ...error, color: trace.line?.color, thickness: 1.5, width: 4 },
    hoverinfo: "skip",
    showlegend: false,
    legendgroup: trace.legendgroup,
  }];
}

/** Where only one run of a group goes on, it is drawn thin. @param {Item} item @param {View} view @returns {Trace[]} */
function aloneTraces(item, view) {
  const { alone } = item.curves;
  if (!alone) return [];
  const trace = {
    uid: `${item.id}-alone`,
    type: "scatter",
    mode: "lines",
    ...alone,
    line: { color: colorOf(item, view), width: 1, dash: runDash(item.color), shape: view.data.field === "lr" ? "hv" : "linear" },
    hoverTexts: () => alone.y.map(formatter(view)),
    hovertemplate: hoverTemplate(`${escapeForPlotly(item.name)}, one seed %{customdata}`, view),
    showlegend: false,
    legendgroup: legendGroup(item, view),
  };
  return [trace, ...dotTraces(alone, trace)];
}

/**
 * The evaluations of one split. The edge of a marker sets it off from the lines it lies on.
 * @param {Item} item @param {Split} split @param {View} view @returns {Trace[]}
 */
function evaluationTraces(item, split, view) {
  const { data, colors, several, narrow } = view;
  const points = item.curves.evaluations[split];
  const best = item.curves.best?.split === split ? item.curves.best : null;
  if (!points.length) return [];
  const isTest = split === "test";
  const color = several ? runColor(colors, item.color) : colors[split];
  const hollow = several && !isTest;
  const label = LEGEND[split];
  const name = several ? `${escapeForPlotly(item.name)}, ${label.toLowerCase()}` : label;
  const [format, formatSd] = [formatter(view), FIELDS[data.field].format];
  return [{
    uid: `${item.id}-${split}`,
    type: "scatter",
    mode: isTest ? "markers" : "lines+markers",
    cliponaxis: false,
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
    customdata: points.map(({ x, y, sd }) => [
      `${format(y)}${sd === null ? "" : ` ± ${formatSd(sd)}`}${best?.x === x ? " (best)" : ""}`,
      x === null ? "" : X_AXES[data.x].format(x),
    ]),
    name,
    showlegend: !several && !(isTest && narrow),
    legendgroup: legendGroup(item, view),
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

/** A ring around the best evaluation, where runs are compared. @param {Item} item @param {View} view @returns {Trace[]} */
function bestTraces(item, view) {
  const { best } = item.curves;
  if (!best) return [];
  return [{
    uid: `${item.id}-best`,
    type: "scatter",
    mode: "markers",
    cliponaxis: false,
    x: [best.x],
    y: [best.y],
    showlegend: false,
    legendgroup: legendGroup(item, view),
    marker: { size: 17, symbol: "circle-open", color: colorOf(item, view), line: { width: 2 } },
    hoverinfo: "skip", // the evaluation in it says that it is the best
  }];
}

/** The band of a group: one standard deviation to each side of its mean. @param {Item} item @param {View} view @returns {Trace[]} */
function bandTraces(item, view) {
  const { band } = item.curves;
  if (!band) return [];
  const color = colorOf(item, view);
  const edge = {
    type: "scatter",
    mode: "lines",
    x: band.x,
    line: { width: 0, color },
    hoverinfo: "skip",
    showlegend: false,
    legendgroup: legendGroup(item, view),
  };
  return [
    { ...edge, uid: `${item.id}-low`, y: band.low },
    { ...edge, uid: `${item.id}-high`, y: band.high, fill: "tonexty", fillcolor: `${color}33` },
  ];
}
