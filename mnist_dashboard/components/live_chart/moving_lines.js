/**
 * Moves the lines of a chart that Plotly has drawn, when nothing else has changed: one attribute a line, where Plotly lays out
 * axes, legend and texts again and takes 15 times as long. Training may need that time.
 */

/** @import { Layout, PlotlyElement, Trace } from "./plotly" */

/** @param {Trace} trace */
const isLine = (trace) => trace.mode === "lines" && !trace.fill;

/** Everything of a drawing but the points of its lines: if two have the same, one becomes the other by moving lines. */
export const frameOf = (/** @type {Trace[]} */ traces, /** @type {Layout} */ layout) =>
  JSON.stringify([traces.map((trace) => (isLine(trace) ? { ...trace, x: null, y: null } : trace)), layout]);

/**
 * Move the lines of a drawn chart to the points of these traces. Everything else, and their hover texts, follow with Plotly's next
 * drawing.
 * @param {PlotlyElement} element @param {Trace[]} traces
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
  for (const trace of traces.filter(isLine)) Object.assign(element.data.find(({ uid }) => uid === trace.uid) ?? {}, trace);
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
    points.push([left, top]);
  }
  if (!points.length) return null;
  const texts = isStepped
    ? points.map(([left, top], i) => (i ? `H${left.toFixed(1)}V${top.toFixed(1)}` : `${left.toFixed(1)},${top.toFixed(1)}`))
    : reduceToPixels(points).map(([left, top]) => `${left.toFixed(1)},${top.toFixed(1)}`);
  return `M${texts.join(isStepped ? "" : "L")}`;
}

/**
 * The points of a line that change its picture: of each column of pixels the first, the highest, the lowest and the last, in their
 * order (M4; Jugel et al. 2014, "M4: A visualization-oriented time series data aggregation").
 * @param {number[][]} points from left to right @returns {number[][]}
 */
export function reduceToPixels(points) {
  const kept = [];
  for (let start = 0; start < points.length;) {
    let [high, low, end] = [start, start, start + 1];
    const column = Math.floor(points[start][0]);
    for (; end < points.length && Math.floor(points[end][0]) === column; end++) {
      if (points[end][1] < points[high][1]) high = end;
      if (points[end][1] > points[low][1]) low = end;
    }
    const order = high < low ? [start, high, low, end - 1] : [start, low, high, end - 1];
    for (const i of new Set(order)) kept.push(points[i]);
    start = end;
  }
  return kept;
}
