/** The frame of the Loss and Accuracy charts as a Plotly layout: axes, legend, epoch lines, the fault line, notes. */
import { FIELDS, isSmoothed } from "./fields.js";
import { plotlyText, short } from "../../lib/format.js";
import { accuracyFloor, accuracyRange, logTicks, lossRange, rangeOf } from "./ranges.js";
import { rgb, luminance, runColor } from "../../lib/theme.js";
import { lineOf } from "./traces.js";
import { X_AXES } from "./x_axes.js";

const MARGIN = { left: 58, right: 12, plain: 34, epochs: 42, row: 19, bottom: 24, titled: 40 };

/** @typedef {import("../live_chart.js").View} View */

/**
 * @param {View} view
 * @param {number|undefined} floor where the accuracy axis started at the last drawing
 */
export function layoutOf(view, floor) {
  const { data, colors, narrow, shown } = view;
  const xaxis = axisX(view);
  const y = axisY(view, floor);
  const legend = data.legend && shown.length > 0;
  const rows = legend ? legendRows(view) : 1;
  const marks = [
    ...epochMarks(view, xaxis.range),
    ...forkMarks(view, xaxis.range),
    ...interventionMarks(view, xaxis.range),
    ...faultMark(view),
  ];
  const top = (narrow && legend ? 52 : data.epochs.length ? MARGIN.epochs : MARGIN.plain) + (rows - 1) * MARGIN.row;
  const layout = {
    uirevision: data.uirevision || "chart",
    separators: ".\u202f",
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colors.font, size: 12, color: colors.text },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colors.muted, activecolor: colors.text },
    hovermode: "x unified",
    hoverdistance: 40, // runs whose points lie elsewhere are compared at one x, too
    hoverlabel: {
      bgcolor: colors.background,
      bordercolor: colors.line,
      font: { family: colors.font, size: 12, color: colors.text },
      align: "left",
    },
    dragmode: "zoom",
    title: {
      text: `<b>${plotlyText(data.title)}</b>`,
      font: { size: 14, color: colors.text },
      x: 0, xref: "container", xanchor: "left",
      y: 1, yref: "container", yanchor: "top",
      pad: { t: 6, l: 0 },
    },
    margin: { l: narrow ? 46 : MARGIN.left, r: MARGIN.right, t: top, b: data.xtitle ? MARGIN.titled : MARGIN.bottom },
    showlegend: legend,
    legend: {
      orientation: "h",
      x: legendLeft(view) / view.width, xref: "container", xanchor: "left",
      y: 1, yref: "container", yanchor: "top",
      font: { size: narrow ? 11 : 12, color: colors.text },
      bgcolor: "rgba(0,0,0,0)",
      itemwidth: 30,
      entrywidth: narrow && !view.several ? 58 : undefined,
      tracegroupgap: 0,
    },
    xaxis,
    yaxis: y.axis,
    shapes: marks.map((mark) => mark.shape),
    annotations: [...marks.flatMap((mark) => mark.annotation ?? []), ...endLabels(view, xaxis.range), ...note(view)],
  };
  return { layout, floor: y.floor };
}

const legendLeft = ({ narrow, data }) => (narrow ? 52 : Math.max(76, 24 + 8 * data.title.length));

/** Rows the legend will need: Plotly breaks it by width but makes no room for it above the plot. */
function legendRows({ data, several, drawn, width, narrow }) {
  if (!several) return 1;
  const widths = drawn.map((run) => 46 + short(run.name).length * 7);
  const columns = Math.max(1, Math.floor((width - legendLeft({ narrow, data })) / Math.max(...widths)));
  return Math.ceil(drawn.length / columns);
}

function baseAxis(colors) {
  return {
    gridcolor: colors.grid,
    linecolor: colors.line,
    zeroline: false,
    tickfont: { color: colors.muted, size: 11 },
    automargin: false,
  };
}

const axisTitle = (text, colors) => ({ text, font: { size: 12, color: colors.muted }, standoff: 6 });

/** @param {View} view */
function axisX({ data, colors, shown }) {
  const { title, hover, format } = X_AXES[data.x];
  const last = Math.max(data.x === "step" ? data.total_steps || 0 : 0, ...shown.map((run) => run.place(run.series.step) ?? 0), 1e-3);
  const first = Math.min(last / 10, ...shown.flatMap((run) => run.x.find((x) => x > 0) ?? []));
  return {
    ...baseAxis(colors),
    title: axisTitle(data.xtitle && title, colors),
    type: data.logx ? "log" : "linear",
    range: data.logx ? [Math.log10(first), Math.log10(last)] : [0, last],
    tickformat: data.logx ? "~s" : format,
    hoverformat: format,
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
}

/** @param {View} view */
function axisY(view, lastFloor) {
  const { data, shown, several, narrow, baseline } = view;
  const { title, ticks } = FIELDS[data.field];
  const base = { ...baseAxis(view.colors), title: axisTitle("", view.colors) };
  base.title.text = several && isSmoothed(data.field) && !narrow ? `${title}, smoothed` : title;
  if (baseline) return { axis: differenceAxis(base, view) };
  const series = shown.map((run) => run.series);
  if (data.field === "accuracy") {
    const floor = data.fault ? 0 : accuracyFloor(series, lastFloor);
    return { axis: { ...base, range: accuracyRange(floor), tickformat: ticks, nticks: 6 }, floor };
  }
  const range = data.field === "loss" ? lossRange(series, data.log, !several) : rangeOf(series.map((s) => s.line(data.field)), data.log);
  if (!data.log) return { axis: { ...base, type: "linear", range, tickformat: data.field === "loss" ? "" : ticks, nticks: 6 } };
  return { axis: { ...base, type: "log", range, dtick: logTicks(range), tickformat: "~g" } };
}

/** Zero is in the middle of sight: above it is more than the baseline. The first tenth of a run, where all moves, is left out. */
function differenceAxis(base, view) {
  const late = view.shown.map((run) => lineOf(run, view).y.filter((_, i, { length }) => i >= length / 10));
  const [low, high] = rangeOf(late, false);
  const size = Math.max(Math.abs(low), Math.abs(high)) || 1;
  return {
    ...base,
    title: { ...base.title, text: "Difference to the baseline" },
    type: "linear",
    range: [-size, size],
    tickformat: view.data.field === "accuracy" ? "+.2%" : "+~g",
    zeroline: true,
    zerolinecolor: view.colors.muted,
    nticks: 6,
  };
}

const upright = (x, line) => ({ type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line });

/** @param {View} view */
function epochMarks({ data, colors, width }, [, last]) {
  // As many as there is room for: fifty epochs get a line and a label every fifth.
  const room = Math.max(1, Math.floor((width - MARGIN.left - MARGIN.right) / 62));
  const shown = data.epochs.filter((x) => x <= last).length;
  const every = Math.max(1, Math.ceil(shown / room));
  return data.epochs.slice(0, shown).flatMap((x, i) => ((i + 1) % every ? [] : [{
    shape: { ...upright(x, { color: colors.line, width: 1, dash: "dot" }), layer: "below" },
    annotation: {
      xref: "x", x, xanchor: "right", xshift: 3,
      yref: "paper", y: 1, yanchor: "bottom",
      text: `epoch ${i + 1}`,
      showarrow: false,
      font: { size: 11, color: colors.muted },
    },
  }]));
}

/** A dashed, numbered line where a setting was changed by hand; what it was changed to is written on the Loss chart only. */
function interventionMarks({ data, colors, narrow, width, marks }, [, last]) {
  return marks.map(({ step, number, text, hover }) => {
    const flipped = step > 0.8 * last; // near the right edge the label stands on the left
    const named = data.field === "loss" && !narrow && width > 600;
    return {
      shape: upright(step, { color: colors.intervention, width: 1.5, dash: "dash" }),
      annotation: {
        xref: "x", x: step, xanchor: flipped ? "right" : "left", xshift: flipped ? -3 : 3,
        yref: "paper", y: 1, yanchor: "top", yshift: -12 * ((number - 1) % 3),
        text: plotlyText(named ? `${number}  ${text}` : String(number)),
        hovertext: plotlyText(hover),
        showarrow: false,
        font: { size: 11, color: colors.intervention },
        bgcolor: colors.background,
        borderpad: 1,
      },
    };
  });
}

/** Where runs leave those they go on from, at the foot of the chart: interventions are written at its head. @param {View} view */
function forkMarks({ data, colors, several, drawn }, [first, last]) {
  return drawn.filter((run) => run.fork).map(({ name, color, fork, place }, i) => {
    const x = place(fork.step);
    const at = data.logx ? Math.log10(x) : x; // Plotly wants annotations, but not shapes, in exponents
    const flipped = at > first + 0.8 * (last - first);
    const tone = several ? runColor(colors, color) : colors.muted;
    return {
      shape: { ...upright(x, { color: tone, width: 1.5, dash: "dashdot" }), layer: "below" },
      annotation: data.field === "loss" || several ? {
        xref: "x", x: at, xanchor: flipped ? "right" : "left", xshift: flipped ? -3 : 3,
        yref: "paper", y: 0, yanchor: "bottom", yshift: 2 + 14 * (i % 4),
        text: plotlyText(several ? `${short(name)} ${fork.text}` : fork.text),
        showarrow: false,
        font: { size: 11, color: colors.muted },
        bgcolor: colors.background,
        borderpad: 1,
      } : undefined,
    };
  });
}

/** @param {View} view */
function faultMark({ data, colors }) {
  if (!data.fault) return [];
  const { step, text } = data.fault;
  // Beside the line, on the side with more room
  const left = step > (data.total_steps || 0) / 3;
  return [{
    shape: upright(step, { color: colors.fault, width: 2 }),
    annotation: text ? {
      xref: "x", x: step, xanchor: left ? "right" : "left", xshift: left ? -5 : 5,
      yref: "paper", y: 0.97, yanchor: "top",
      text: plotlyText(text),
      showarrow: false,
      font: { size: 12, color: colors.faultText },
      bgcolor: colors.background,
      borderpad: 2,
    } : undefined,
  }];
}

/** The names of runs in colours too pale to be told apart from the background by themselves, at the ends of their lines. */
function endLabels(view, range) {
  const { data, colors, drawn, several, bands } = view;
  if (!several || bands) return [];
  const ground = luminance(rgb(colors.background) ?? [255, 255, 255]);
  const pale = (color) => {
    const [a, b] = [luminance(rgb(color)), ground].sort((p, q) => q - p);
    return (a + 0.05) / (b + 0.05) < 3;
  };
  return drawn.filter((run) => pale(runColor(colors, run.color))).flatMap((run) => {
    const line = lineOf(run, view);
    const [x, y] = [line.x.at(-1) ?? null, line.y.at(-1) ?? null];
    if (x === null || y === null) return [];
    const logY = data.log && !view.baseline && data.field !== "accuracy";
    const at = data.logx ? Math.log10(x) : x;
    const atEdge = at > range[0] + 0.85 * (range[1] - range[0]);
    return {
      xref: "x", x: at, xanchor: atEdge ? "right" : "left", xshift: atEdge ? 0 : 4,
      yref: "y", y: logY ? Math.log10(y) : y, yanchor: atEdge ? "bottom" : "middle",
      text: plotlyText(short(run.name)),
      showarrow: false,
      font: { size: 11, color: colors.text },
    };
  });
}

/** What an empty chart is waiting for. @param {View} view */
function note({ data, colors, shown }) {
  if (shown.length || !data.empty) return [];
  return [{
    xref: "paper", x: 0.5, yref: "paper", y: 0.5,
    text: plotlyText(data.empty),
    showarrow: false,
    align: "center",
    font: { size: 13, color: colors.muted },
    bgcolor: colors.background,
    borderpad: 6,
  }];
}
