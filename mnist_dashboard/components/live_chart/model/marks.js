/** Lines across a chart (epochs, interventions, forks, the cursor, the fault) and texts in it, as Plotly shapes and annotations. */
import { CLASSES } from "../../lib/constants.js";
import { escapeForPlotly, formatCount } from "../../lib/format.js";
import { textWidth } from "../../lib/runs/names.js";
import { contrast, parseColor, runColor } from "../../lib/theme.js";
import { shortGhostName } from "./traces.js";

/**
 * @import { Json } from "../plotly"
 * @import { Line } from "./differences.js"
 * @import { Range } from "./axes/ranges.js"
 * @import { Item, View } from "./view.js"
 */

/** @typedef {{shape?: Json, annotation?: Json}} Mark a line across the chart, and its label */

const EPOCH_LABEL_WIDTH = 62;
const EVERY_EPOCHS = [1, 2, 5, 10, 20];
const MARGINS = 70; // to both sides of the plot

/** A vertical line. @param {number|null} x @param {Json} line @returns {Json} */
const verticalLine = (x, line) => ({ type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line });

/**
 * Ends of epochs whose labels do not lie on each other: all of them, else every second, fifth, tenth, … one, unless their lengths
 * differ much.
 * @param {View} view @param {Range} range @returns {Mark[]}
 */
export function epochMarks({ data, colors, width }, [, last]) {
  const pixels = Math.max(1, width - MARGINS) / last;
  const all = data.epochs.map((x, i) => ({ x, number: i + 1 })).filter(({ x }) => x <= last);
  const irregular = withRoom(all, pixels);
  const regular = EVERY_EPOCHS.map((every) => all.filter(({ number }) => number % every === 0))
    .find((some) => some.length >= irregular.length / 2 && withRoom(some, pixels) === some);
  return (regular ?? irregular).map(({ x, number }) => ({
    shape: { ...verticalLine(x, { color: colors.line, width: 1, dash: "dot" }), layer: "below" },
    annotation: {
      xref: "x", x, xanchor: "right", xshift: 3,
      yref: "paper", y: 1, yanchor: "bottom",
      text: `epoch ${number}`,
      showarrow: false,
      font: { size: 11, color: colors.muted },
    },
  }));
}

/**
 * The epochs whose labels have room beside the one before; the same list if all have. Where the batch size was changed, epochs are
 * not equally long.
 * @template {{x: number}} T @param {T[]} epochs @param {number} pixels in a unit of x @returns {T[]}
 */
function withRoom(epochs, pixels) {
  let free = EPOCH_LABEL_WIDTH / 2; // where the next label may begin
  const kept = epochs.filter(({ x }) => {
    const fits = x * pixels >= free;
    if (fits) free = x * pixels + EPOCH_LABEL_WIDTH;
    return fits;
  });
  return kept.length === epochs.length ? epochs : kept;
}

/**
 * What guessing reaches: a line in the accuracy, or a note if the axis starts above it.
 * @param {View} view @param {number|undefined} floor where the accuracy axis starts; undefined on other axes @returns {Mark[]}
 */
export function chanceMark({ colors }, floor) {
  if (floor === undefined) return [];
  const chance = 1 / CLASSES;
  const percent = `${100 * chance}\u202f%`;
  const isBelow = chance < floor;
  return [{
    shape: isBelow ? undefined : {
      type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: chance, y1: chance,
      line: { color: colors.muted, width: 1, dash: "dot" },
      layer: "below",
    },
    annotation: {
      xref: "paper", x: 1, xanchor: "right",
      ...(isBelow ? { yref: "paper", y: 0 } : { yref: "y", y: chance }),
      yanchor: "bottom",
      text: isBelow ? `↓ chance is ${percent}` : `chance, ${percent}`,
      showarrow: false,
      font: { size: 11, color: colors.muted },
      bgcolor: isBelow ? colors.background : undefined,
      borderpad: 1,
    },
  }];
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
  const forks = drawn.flatMap(({ name, color, runs: [{ fork, stepToX }] }) => (
    fork ? [{ name, color, fork, x: stepToX(fork.step) ?? NaN }] : []
  ));
  const foot = data.field === "accuracy" ? 16 : 2; // above the note on chance
  return forks.map(({ name, color, fork, x }, i) => {
    const at = data.logx ? Math.log10(x) : x; // Plotly wants annotations, but not shapes, in exponents
    const flipped = at > first + 0.8 * (last - first);
    const tone = several ? runColor(colors, color) : colors.muted;
    return {
      shape: { ...verticalLine(x, { color: tone, width: 1.5, dash: "dashdot" }), layer: "below" },
      annotation: data.field === "loss" || several ? {
        xref: "x", x: at, xanchor: flipped ? "right" : "left", xshift: flipped ? -3 : 3,
        yref: "paper", y: 0, yanchor: "bottom", yshift: foot + 14 * (i % 4),
        text: escapeForPlotly(several ? `${name} ${fork.text}` : fork.text),
        showarrow: false,
        font: { size: 11, color: colors.muted },
        bgcolor: colors.background,
        borderpad: 1,
      } : undefined,
    };
  });
}

/** The evaluation that the reader has gone to in another view. @param {View} view @returns {Mark[]} */
export function cursorMark({ data, colors }) {
  if (data.cursor === null) return [];
  const isLeft = data.cursor > data.total_steps / 2; // beside the line, on the side with more room
  return [{
    shape: verticalLine(data.cursor, { color: colors.text, width: 1.5 }),
    annotation: {
      xref: "x", x: data.cursor, xanchor: isLeft ? "right" : "left", xshift: isLeft ? -3 : 3,
      yref: "paper", y: 0, yanchor: "bottom",
      text: `step ${formatCount(data.cursor)}, chosen`,
      showarrow: false,
      font: { size: 11, color: colors.text },
      bgcolor: colors.background,
      borderpad: 1,
    },
  }];
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
  const { colors, drawn, several, data } = view;
  if (!several || data.only !== null) return []; // the title of a small multiple names it
  const background = parseColor(colors.background);
  /** @param {Item} item */
  const isPale = (item) => {
    const color = parseColor(runColor(colors, item.color));
    return color !== null && background !== null && contrast(color, background) < 3;
  };
  return drawn.filter(isPale).flatMap((item) => labelAtEnd(item.name, item.curves.line, view, range, colors.text));
}

/** The name of the previous run, at the end of its curve. @param {View} view @param {Range} range @returns {Json[]} */
export function ghostLabel(view, range) {
  const { ghost, width } = view;
  return ghost ? labelAtEnd(shortGhostName({ ghost, width }), ghost.line, view, range, view.colors.muted) : [];
}

/** @param {string} name @param {Line} line @param {View} view @param {Range} range of the x axis @param {string} color @returns {Json[]} */
function labelAtEnd(name, line, { data, logY, width, several, drawn }, range, color) {
  /** @param {number} x */
  const onAxis = (x) => (data.logx ? Math.log10(x) : x); // Plotly wants annotations in exponents
  const last = line.y.findLastIndex((value, i) => {
    const position = line.x[i];
    return value !== null && position !== null && onAxis(position) <= range[1];
  });
  const [x, y] = [line.x[last] ?? null, line.y[last] ?? null];
  if (x === null || y === null) return [];
  const at = onAxis(x);
  const room = ((range[1] - at) / (range[1] - range[0])) * (width - MARGINS);
  const atEdge = room < 8 + 6 * textWidth(name);
  const shown = several ? null : drawn[0]?.curves.line.y.findLast((value) => value !== null); // the ghost's label keeps off it
  const edge = typeof shown === "number" && shown > y ? "top" : "bottom";
  return [{
    xref: "x", x: at, xanchor: atEdge ? "right" : "left", xshift: atEdge ? 0 : 4,
    yref: "y", y: logY ? Math.log10(y) : y, yanchor: atEdge ? edge : "middle", yshift: atEdge ? { top: -3, bottom: 3 }[edge] : 0,
    text: escapeForPlotly(name),
    showarrow: false,
    font: { size: 11, color },
  }];
}

/** What an empty chart is waiting for. @param {View} view @returns {Json[]} */
export function emptyNote({ data, colors, items }) {
  if (items.length || !data.empty) return [];
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
