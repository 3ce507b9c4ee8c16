/**
 * Moves the lines of a chart that Plotly has drawn, when nothing else has changed: one attribute a line, where Plotly lays out
 * axes, legend and texts again and takes 15 times as long. Training may need that time.
 */

/** @import { Layout, PlotlyElement, Trace } from "./plotly" */

/** @param {Trace} trace */
const isLine = (trace) => trace.mode === "lines" && !trace.fill;

/** Everything of a drawing but the points of its lines: if two have the same, one becomes the other by moving lines. */
export const frameOf = (/** @type {Trace[]} */ traces, /** @type {Layout} */ layout) =>
  JSON.stringify([traces.map((trace) => (isLine(trace) ? { ...trace, x: null, y: null, customdata: null } : trace)), layout]);

/**
 * Move the lines of a drawn chart to the points of these traces. Their hover texts follow with Plotly's next drawing.
 * @param {PlotlyElement} element @param {Trace[]} traces of the same frame as the drawn ones
 * @returns {boolean} false if Plotly has to draw: a line with gaps consists of several paths, a hidden one of none
 */
export function moveLines(element, traces) {
  const { xaxis, yaxis } = element._fullLayout;
  const moves = [];
  for (const trace of traces.filter(isLine)) {
    const paths = element.querySelectorAll(`.scatterlayer .trace${CSS.escape(trace.uid)} .js-line`);
    const path = paths.length === 1 ? pathOf(trace, xaxis, yaxis) : null;
    if (path === null) return false;
    moves.push({ element: paths[0], path });
  }
  for (const { element: line, path } of moves) line.setAttribute("d", path);
  element.data.forEach((drawn, i) => Object.assign(drawn, traces[i]));
  return true;
}

/**
 * @param {Trace} trace
 * @param {PlotlyElement["_fullLayout"]["xaxis"]} xaxis @param {PlotlyElement["_fullLayout"]["yaxis"]} yaxis
 * @returns {string|null} null if the line has gaps
 */
function pathOf({ x, y, line }, xaxis, yaxis) {
  const isStepped = line?.shape === "hv";
  const points = [];
  for (let i = 0; i < x.length; i++) {
    const [left, top] = [xaxis.d2p(x[i]), yaxis.d2p(y[i])];
    if (x[i] === null || y[i] === null || !Number.isFinite(left) || !Number.isFinite(top)) return null;
    points.push(isStepped && i ? `H${left.toFixed(2)}V${top.toFixed(2)}` : `${left.toFixed(2)},${top.toFixed(2)}`);
  }
  return points.length ? `M${points.join(isStepped ? "" : "L")}` : null;
}
