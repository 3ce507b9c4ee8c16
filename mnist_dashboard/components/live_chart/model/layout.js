/** The frame of a chart as a Plotly layout: title, axes, legend and marks. */
import { escapeForPlotly, isNumber } from "../../lib/format.js";
import { shorten, textWidth } from "../../lib/runs/names.js";
import { FIELDS, isSmoothed } from "./axes/fields.js";
import { accuracyFloor, accuracyRange, logTicks, lossRange, paddedRange } from "./axes/ranges.js";
import { X_AXES } from "./axes/x_axes.js";
import { chanceMark, cursorMark, emptyNote, endLabels, epochMarks, faultMark, forkMarks, ghostLabel, interventionMarks } from "./marks.js";
import { legendNames } from "./traces.js";

/**
 * @import { Palette } from "../../lib/theme.js"
 * @import { Layout, PlotlyAxis } from "../plotly"
 * @import { Range } from "./axes/ranges.js"
 * @import { Item, View } from "./view.js"
 */

export const LEGEND_ROW = 19; // pixels
const MARGIN = { left: 58, right: 12, plain: 34, epochs: 42, bottom: 24, titled: 40 };

/**
 * @param {View} view
 * @param {number|undefined} lastFloor where the accuracy axis started at the last drawing
 * @returns {{layout: Layout, floor: number|undefined, rows: number}} where it starts now; and rows of title and legend
 */
export function buildLayout(view, lastFloor) {
  const { data, colors, narrow, items } = view;
  const { axis: xaxis, range } = xAxis(view);
  const y = yAxis(view, lastFloor);
  const legend = data.legend && items.length > 0;
  const place = legend ? legendPlace(view) : { x: 0, y: 1, rows: 1 };
  const marks = [
    ...epochMarks(view, range),
    ...forkMarks(view, range),
    ...interventionMarks(view, range),
    ...cursorMark(view),
    ...faultMark(view),
    ...chanceMark(view, y.floor),
  ];
  const top = (data.epochs.length ? MARGIN.epochs : MARGIN.plain) + (place.rows - 1) * LEGEND_ROW;
  /** @type {Layout} */
  const layout = {
    uirevision: data.uirevision || "chart",
    separators: ".\u202f",
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colors.font, size: 12, color: colors.text },
    modebar: { bgcolor: colors.background, color: colors.muted, activecolor: colors.text },
    hovermode: view.unified ? "x unified" : "closest",
    hoverdistance: 40, // runs whose points lie elsewhere are compared at one x, too
    hoverlabel: {
      bgcolor: colors.background,
      bordercolor: colors.line,
      font: { family: colors.font, size: 12, color: colors.text },
      align: "left",
    },
    dragmode: "zoom",
    title: {
      text: `<b>${escapeForPlotly(shorten(data.title, Math.max(12, Math.floor(view.width / 8))))}</b>`,
      font: { size: 14, color: colors.text },
      x: 0, xref: "container", xanchor: "left",
      y: 1, yref: "container", yanchor: "top",
      pad: { t: 6, l: 0 },
    },
    margin: { l: leftMargin(view), r: MARGIN.right, t: top, b: data.xtitle ? MARGIN.titled : MARGIN.bottom },
    showlegend: legend,
    legend: {
      orientation: "h",
      x: place.x, xref: "container", xanchor: "left",
      y: place.y, yref: "container", yanchor: "top",
      font: { size: narrow ? 11 : 12, color: colors.text },
      bgcolor: "rgba(0,0,0,0)",
      itemwidth: 30,
      tracegroupgap: 0,
    },
    xaxis,
    yaxis: y.axis,
    shapes: marks.flatMap((mark) => mark.shape ?? []),
    annotations: [
      ...marks.flatMap((mark) => mark.annotation ?? []), ...ghostLabel(view, range), ...endLabels(view, range), ...emptyNote(view),
    ],
  };
  return { layout, floor: y.floor, rows: place.rows };
}

/**
 * Where the legend is: beside the title if all of it has room there, else below it. Plotly breaks it at the width of the plot, but
 * makes no room for it above the plot. `rows` are those of title and legend together.
 * @param {View} view @returns {{x: number, y: number, rows: number}} in shares of the chart
 */
function legendPlace(view) {
  const { narrow, data, width, height } = view;
  const left = Math.max(narrow ? 0 : 76, 14 + 8 * data.title.length);
  const entries = legendNames(view).map((name) => 42 + (narrow ? 5.6 : 6.2) * textWidth(name));
  if (entries.reduce((a, b) => a + b, 0) <= width - left) return { x: left / width, y: 1, rows: 1 };
  const room = width - leftMargin(view) - MARGIN.right;
  let [rows, used] = [2, 0];
  for (const entry of entries) {
    if (used && used + entry > room) [rows, used] = [rows + 1, 0];
    used += entry;
  }
  return { x: 0, y: 1 - LEGEND_ROW / (height + (rows - 1) * LEGEND_ROW), rows };
}

/** @param {View} view */
const leftMargin = ({ narrow, baseline }) => (narrow && !baseline ? 46 : MARGIN.left);

/** @param {Palette} colors */
function baseAxis(colors) {
  return {
    gridcolor: colors.grid,
    linecolor: colors.line,
    zeroline: false,
    tickfont: { color: colors.muted, size: 11 },
    automargin: false,
  };
}

/** @param {string} text @param {Palette} colors */
const axisTitle = (text, colors) => ({ text, font: { size: 12, color: colors.muted }, standoff: 6 });

/** Where the points of an item lie, in the order of the axis. @param {Item} item */
function positionsOf({ curves }) {
  return [curves.line.x, ...Object.values(curves.evaluations).map((points) => points.map(({ x }) => x))];
}

/** @param {View} view @returns {{axis: PlotlyAxis, range: Range}} */
function xAxis({ data, colors, items }) {
  const { title, hover, ticks, empty } = X_AXES[data.x];
  const positions = items.flatMap(positionsOf);
  const planned = data.x === "step" ? data.total_steps : 0;
  const last = Math.max(planned, ...positions.map((xs) => xs.findLast(isNumber) ?? 0), planned || items.length ? 1e-3 : empty);
  const first = Math.min(last / 10, ...positions.map((xs) => xs.find((x) => isNumber(x) && x > 0) ?? last));
  /** @type {Range} */
  const range = data.logx ? [Math.log10(first), Math.log10(last)] : [0, last];
  const axis = {
    ...baseAxis(colors),
    title: axisTitle(data.xtitle ? title : "", colors),
    type: data.logx ? "log" : "linear",
    range,
    tickformat: data.logx ? "~s" : ticks,
    hoverformat: ticks,
    unifiedhovertitle: { text: hover },
    nticks: 8,
    ticks: "outside",
    ticklen: 4,
    tickcolor: colors.line,
    showline: true,
    showspikes: true,
    spikethickness: 1,
    spikecolor: colors.muted,
    spikedash: "solid",
    spikemode: "across",
  };
  return { axis, range };
}

/** The values that the y axis has room for: those of every item, drawn or not, so that small multiples agree. @param {View} view */
function drawnValues({ items, ghost }) {
  const lines = items.flatMap(({ curves }) => [
    curves.line.y,
    ...(curves.band ? [curves.band.low, curves.band.high] : []),
    ...(curves.alone ? [curves.alone.y] : []),
    ...Object.values(curves.evaluations).map((points) => points.map(({ y }) => y)),
  ]);
  return ghost ? [...lines, ghost.line.y] : lines;
}

/** @param {View} view @param {number|undefined} lastFloor @returns {{axis: PlotlyAxis, floor?: number}} */
function yAxis(view, lastFloor) {
  const { data, items, several, narrow, baseline, logY } = view;
  const { title, ticks } = FIELDS[data.field];
  if (baseline) return { axis: differenceAxis(view) };
  const isSmooth = several && isSmoothed(data.field) && data.smoothing > 0;
  const base = { ...baseAxis(view.colors), title: axisTitle(isSmooth && !narrow ? `${title}, smoothed` : title, view.colors) };
  if (data.field === "accuracy") {
    const runs = items.flatMap((item) => item.runs).map(({ series }) => ({
      smoothed: series.smoothed("accuracy"),
      recent: series.recentMean("accuracy"),
      evaluations: series.evaluations.flatMap(({ accuracy }) => accuracy ?? []),
    }));
    const floor = data.fault ? 0 : accuracyFloor(runs, lastFloor);
    return { axis: { ...base, range: accuracyRange(floor), tickformat: ticks, nticks: 6 }, floor };
  }
  const values = drawnValues(view);
  const batches = items.flatMap(({ curves }) => curves.batches?.y ?? []);
  const range = data.field === "loss" ? lossRange(values, batches, logY) : paddedRange(values, logY);
  if (!logY) return { axis: { ...base, type: "linear", range, tickformat: data.field === "loss" ? "" : ticks, nticks: 6 } };
  const plotHeight = view.height - MARGIN.epochs - MARGIN.titled;
  return { axis: { ...base, type: "log", range, dtick: logTicks(range, plotHeight), tickformat: "~g" } };
}

/** Zero is in the middle: above it a run has more than the baseline. @param {View} view @returns {PlotlyAxis} */
function differenceAxis(view) {
  const [low, high] = paddedRange(drawnValues(view), false);
  const size = Math.max(Math.abs(low), Math.abs(high)) || 1;
  return {
    ...baseAxis(view.colors),
    title: axisTitle(view.narrow || view.height < 300 ? "Difference" : "Difference to the baseline", view.colors),
    type: "linear",
    range: [-size, size],
    tickformat: view.data.field === "accuracy" ? `+.${size > 0.05 ? 0 : size > 0.005 ? 1 : 2}%` : "+~g",
    zeroline: true,
    zerolinecolor: view.colors.muted,
    nticks: 6,
  };
}
