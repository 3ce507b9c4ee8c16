/** Vertical lines across a chart (epochs, interventions, forks, the fault) and texts in it, as Plotly shapes and annotations. */
import { escapeForPlotly, shorten } from "../../lib/format.js";
import { contrast, parseColor, runColor } from "../../lib/theme.js";
import { runLine } from "./traces.js";

/**
 * @import { ChartRun, View } from "../live_chart.js"
 * @import { Json } from "../plotly"
 * @import { Range } from "./ranges.js"
 */

/** @typedef {{shape: Json, annotation?: Json}} Mark a line across the chart, and its label */

const EPOCH_LABEL_WIDTH = 62;
const MARGINS = 70; // to both sides of the plot

/** A vertical line. @param {number|null} x @param {Json} line @returns {Json} */
const verticalLine = (x, line) => ({ type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line });

/**
 * Ends of epochs; where they are too close for their labels, only every second, third, … of them.
 * @param {View} view @param {Range} range @returns {Mark[]}
 */
export function epochMarks({ data, colors, width }, [, last]) {
  const room = Math.max(1, Math.floor((width - MARGINS) / EPOCH_LABEL_WIDTH));
  const count = data.epochs.filter((x) => x <= last).length;
  const every = Math.max(1, Math.ceil(count / room));
  return data.epochs.slice(0, count).flatMap((x, i) => ((i + 1) % every ? [] : [{
    shape: { ...verticalLine(x, { color: colors.line, width: 1, dash: "dot" }), layer: "below" },
    annotation: {
      xref: "x", x, xanchor: "right", xshift: 3,
      yref: "paper", y: 1, yanchor: "bottom",
      text: `epoch ${i + 1}`,
      showarrow: false,
      font: { size: 11, color: colors.muted },
    },
  }]));
}

/**
 * A dashed, numbered line where a setting was changed by hand; only the Loss chart has room for the values.
 * @param {View} view @param {Range} range @returns {Mark[]}
 */
export function interventionMarks({ data, colors, narrow, width, interventions }, [, last]) {
  return interventions.map(({ step, number, text, hover }) => {
    const flipped = step > 0.8 * last; // near the right edge the label stands on the left
    const named = data.field === "loss" && !narrow && width > 600;
    return {
      shape: verticalLine(step, { color: colors.intervention, width: 1.5, dash: "dash" }),
      annotation: {
        xref: "x", x: step, xanchor: flipped ? "right" : "left", xshift: flipped ? -3 : 3,
        yref: "paper", y: 1, yanchor: "top", yshift: -12 * ((number - 1) % 3),
        text: escapeForPlotly(named ? `${number}  ${text}` : String(number)),
        hovertext: escapeForPlotly(hover),
        showarrow: false,
        font: { size: 11, color: colors.intervention },
        bgcolor: colors.background,
        borderpad: 1,
      },
    };
  });
}

/**
 * Where runs branch off from their parents, labelled at the foot of the chart: interventions are labelled at its head.
 * @param {View} view @param {Range} range @returns {Mark[]}
 */
export function forkMarks({ data, colors, several, drawn }, [first, last]) {
  const forks = drawn.flatMap(({ name, color, fork, stepToX }) => (fork ? [{ name, color, fork, x: stepToX(fork.step) ?? NaN }] : []));
  return forks.map(({ name, color, fork, x }, i) => {
    const at = data.logx ? Math.log10(x) : x; // Plotly wants annotations, but not shapes, in exponents
    const flipped = at > first + 0.8 * (last - first);
    const tone = several ? runColor(colors, color) : colors.muted;
    return {
      shape: { ...verticalLine(x, { color: tone, width: 1.5, dash: "dashdot" }), layer: "below" },
      annotation: data.field === "loss" || several ? {
        xref: "x", x: at, xanchor: flipped ? "right" : "left", xshift: flipped ? -3 : 3,
        yref: "paper", y: 0, yanchor: "bottom", yshift: 2 + 14 * (i % 4),
        text: escapeForPlotly(several ? `${shorten(name)} ${fork.text}` : fork.text),
        showarrow: false,
        font: { size: 11, color: colors.muted },
        bgcolor: colors.background,
        borderpad: 1,
      } : undefined,
    };
  });
}

/** @param {View} view @returns {Mark[]} */
export function faultMark({ data, colors }) {
  if (!data.fault) return [];
  const { step, text } = data.fault;
  const isLeft = step > data.total_steps / 3; // beside the line, on the side with more room
  return [{
    shape: verticalLine(step, { color: colors.fault, width: 2 }),
    annotation: text ? {
      xref: "x", x: step, xanchor: isLeft ? "right" : "left", xshift: isLeft ? -5 : 5,
      yref: "paper", y: 0.97, yanchor: "top",
      text: escapeForPlotly(text),
      showarrow: false,
      font: { size: 12, color: colors.faultText },
      bgcolor: colors.background,
      borderpad: 2,
    } : undefined,
  }];
}

/**
 * Names at the ends of lines whose colours hardly differ from the background.
 * @param {View} view @param {Range} range @returns {Json[]}
 */
export function endLabels(view, range) {
  const { data, colors, drawn, several, bands } = view;
  if (!several || bands) return [];
  const background = parseColor(colors.background);
  /** @param {ChartRun} run */
  const isPale = (run) => {
    const color = parseColor(runColor(colors, run.color));
    return color !== null && background !== null && contrast(color, background) < 3;
  };
  return drawn.filter(isPale).flatMap((run) => {
    const line = runLine(run, view);
    const last = line.y.findLastIndex((value, i) => value !== null && line.x[i] !== null);
    const [x, y] = [line.x[last] ?? null, line.y[last] ?? null];
    if (x === null || y === null) return [];
    const logY = data.log && !view.baseline && data.field !== "accuracy";
    const at = data.logx ? Math.log10(x) : x;
    const atEdge = at > range[0] + 0.85 * (range[1] - range[0]);
    return [{
      xref: "x", x: at, xanchor: atEdge ? "right" : "left", xshift: atEdge ? 0 : 4,
      yref: "y", y: logY ? Math.log10(y) : y, yanchor: atEdge ? "bottom" : "middle",
      text: escapeForPlotly(shorten(run.name)),
      showarrow: false,
      font: { size: 11, color: colors.text },
    }];
  });
}

/** What an empty chart is waiting for. @param {View} view @returns {Json[]} */
export function emptyNote({ data, colors, shown }) {
  if (shown.length || !data.empty) return [];
  return [{
    xref: "paper", x: 0.5, yref: "paper", y: 0.5,
    text: escapeForPlotly(data.empty),
    showarrow: false,
    align: "center",
    font: { size: 13, color: colors.muted },
    bgcolor: colors.background,
    borderpad: 6,
  }];
}
