import assert from "node:assert/strict";
import { test } from "node:test";

import { frameOf, moveLines, reduceToPixels } from "./moving_lines.js";

/** @import { Layout, PlotlyElement, Trace } from "./plotly" */

Object.assign(globalThis, { CSS: { escape: (/** @type {string} */ text) => text } });

/** @type {Layout} */
const LAYOUT = { uirevision: "run 1", xaxis: { range: [0, 10] }, yaxis: { range: [0, 1] } };

/** @param {Partial<Trace>} [changes] @returns {Trace} */
const line = (changes) => ({ uid: "1-smooth", mode: "lines", x: [1, 2], y: [0.5, 0.25], line: { shape: "linear" }, ...changes });

/** A drawn chart: 10 pixels a step, 100 pixels from 0 to 1. @param {Trace[]} drawn @param {Record<string, number>} paths by trace */
function chart(drawn, paths = { "1-smooth": 1 }) {
  /** @type {Record<string, string[]>} */
  const moved = {};
  const element = {
    data: drawn.map((trace) => ({ ...trace })),
    _fullLayout: { xaxis: { d2p: (/** @type {number} */ x) => 10 * x }, yaxis: { d2p: (/** @type {number} */ y) => 100 * (1 - y) } },
    querySelectorAll: (/** @type {string} */ selector) => {
      const uid = selector.split(/\.trace|\s/)[2];
      return Array.from({ length: paths[uid] ?? 0 }, () => ({
        setAttribute: (/** @type {string} */ _, /** @type {string} */ path) => (moved[uid] ??= []).push(path),
      }));
    },
  };
  return { element: /** @type {PlotlyElement} */ (/** @type {unknown} */ (element)), moved };
}

test("a frame stays the same while only the points of lines change", () => {
  const points = { mode: "markers", uid: "1-test", x: [1], y: [0.5] };
  const frame = frameOf([line(), points], LAYOUT);
  assert.equal(frameOf([line({ x: [1, 2, 3], y: [1, 2, 3] }), points], LAYOUT), frame);
  assert.notEqual(frameOf([line(), { ...points, y: [0.6] }], LAYOUT), frame);
  assert.notEqual(frameOf([line({ name: "Smoothed" }), points], LAYOUT), frame);
  assert.notEqual(frameOf([line(), points], { ...LAYOUT, xaxis: { range: [0, 11] } }), frame);
});

test("the edges of a band are not moved: its area lies between them", () => {
  assert.notEqual(frameOf([line({ fill: "tonexty" })], LAYOUT), frameOf([line({ fill: "tonexty", y: [1, 1] })], LAYOUT));
});

test("a line is moved to its points, which the chart then holds", () => {
  const { element, moved } = chart([line()]);
  assert.equal(moveLines(element, [line({ x: [1, 2, 3], y: [0.5, 0.25, 0.125] })]), true);
  assert.deepEqual(moved, { "1-smooth": ["M10.0,50.0L20.0,75.0L30.0,87.5"] });
  assert.deepEqual(element.data[0].x, [1, 2, 3]);
});

test("a line of steps stays one", () => {
  const { element, moved } = chart([line()]);
  assert.equal(moveLines(element, [line({ line: { shape: "hv" } })]), true);
  assert.deepEqual(moved, { "1-smooth": ["M10.0,50.0H20.0V75.0"] });
});

test("some of the lines can be moved alone", () => {
  const [smooth, raw] = [line(), line({ uid: "1-raw" })];
  const { element, moved } = chart([raw, smooth], { "1-smooth": 1, "1-raw": 1 });
  assert.equal(moveLines(element, [{ ...smooth, x: [1], y: [1] }]), true);
  assert.deepEqual(Object.keys(moved), ["1-smooth"]);
  assert.deepEqual([element.data[0].x, element.data[1].x], [[1, 2], [1]]);
});

test("a line keeps the ends and the extremes of each column of pixels", () => {
  const points = [[0.1, 5], [0.2, 9], [0.3, 1], [0.4, 4], [0.9, 5], [1.5, 7], [3, 2], [3.2, 2]];
  assert.deepEqual(reduceToPixels(points), [[0.1, 5], [0.2, 9], [0.3, 1], [0.9, 5], [1.5, 7], [3, 2], [3.2, 2]]);
  assert.deepEqual(reduceToPixels([]), []);
});

test("Plotly draws hidden lines, lines with gaps and values that an axis cannot show; then nothing is moved", () => {
  const second = line({ uid: "2-smooth", y: [0.5, null] });
  const both = { "1-smooth": 1, "2-smooth": 1 };
  for (const [traces, paths] of /** @type {[Trace[], Record<string, number>][]} */ ([
    [[line(), second], both],
    [[line(), line({ uid: "2-smooth", y: [0.5, -Infinity] })], both],
    [[line(), line({ uid: "2-smooth", x: [], y: [] })], both],
    [[line(), line({ uid: "2-smooth" })], { "1-smooth": 1 }],
    [[line(), line({ uid: "2-smooth" })], { "1-smooth": 1, "2-smooth": 2 }],
  ])) {
    const { element, moved } = chart(traces, paths);
    assert.equal(moveLines(element, traces), false);
    assert.deepEqual(moved, {});
  }
});
