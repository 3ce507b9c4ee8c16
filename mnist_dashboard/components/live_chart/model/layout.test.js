import assert from "node:assert/strict";
import { test } from "node:test";

import { COLORS, chartRun, makeTestView, seedRuns } from "#tests/charts.js";

import { buildLayout } from "./layout.js";

/** @import { View } from "./view.js" */

/** @param {View} view @param {number} [floor] */
const layoutOf = (view, floor) => buildLayout(view, floor).layout;

/** @typedef {{text: string, x: number, y: number, yanchor: string}} Annotation */
/** @param {View} view @param {number} [floor] */
const annotationsOf = (view, floor) => /** @type {Annotation[]} */ (layoutOf(view, floor).annotations);

test("a chart of a run without any finite loss has finite axes", () => {
  const layout = layoutOf(makeTestView([chartRun(1, {}, [null, null, null])]));
  const ends = [...(layout.xaxis.range ?? [NaN]), ...(layout.yaxis.range ?? [NaN])];
  assert(ends.every(Number.isFinite), `${ends}`);
});

test("the axis of an empty chart has room for a usual run", () => {
  assert.deepEqual(layoutOf(makeTestView([], { x: "step", total_steps: 0 })).xaxis.range, [0, 1000]);
  assert.deepEqual(layoutOf(makeTestView([], { x: "step", total_steps: 200 })).xaxis.range, [0, 200]);
});

test("a pale line is named at its last value, though the run diverged after it", () => {
  const colors = { ...COLORS, runs: ["#FEFEFE"] };
  const view = makeTestView([chartRun(1, {}, [3, 2, null]), chartRun(2, {}, [null, null, null])], {}, { colors });
  assert.deepEqual(annotationsOf(view).map(({ x, y }) => [x, y]), [[2, 2]]);
});

test("the evaluation that the reader has gone to is marked", () => {
  const view = makeTestView([chartRun(1, {})], { cursor: 2 });
  const { shapes } = layoutOf(view);
  assert.ok(annotationsOf(view).some(({ text }) => text === "step 2, chosen"));
  assert.deepEqual(/** @type {{x0: number}[]} */ (shapes).map(({ x0 }) => x0), [2]);
});

test("a chart without data says what it waits for", () => {
  const view = makeTestView([]);
  assert.deepEqual(annotationsOf(view).map(({ text }) => text), ["Nothing yet."]);
  assert.deepEqual(layoutOf(view).xaxis.range, [0, 3]);
});

test("epochs, forks and interventions are marked by vertical lines", () => {
  const data = { epochs: [1, 2, 3] };
  const interventions = [{ step: 2, number: 1, text: "lr 0.1 → 0.2", hover: "Step 2" }];
  const view = makeTestView([chartRun(1, { fork: { step: 1, text: "from parent" } })], data, { interventions });
  const { shapes } = layoutOf(view);
  assert.deepEqual(/** @type {{x0: number}[]} */ (shapes).map(({ x0 }) => x0), [1, 2, 3, 1, 2]);
  const texts = annotationsOf(view).map(({ text }) => text);
  assert.deepEqual(texts, ["epoch 1", "epoch 2", "epoch 3", "from parent", "1  lr 0.1 → 0.2"]);
});

test("labels of epochs do not lie on each other, wherever epochs end", () => {
  const epochs = [10, 12, 14, 400, 900, 910, 950, 1_000];
  const view = makeTestView([chartRun(1)], { epochs, total_steps: 1_000 });
  assert.deepEqual(annotationsOf(view).map(({ text }) => text), ["epoch 4", "epoch 5", "epoch 8"]);
  const ten = Array.from({ length: 10 }, (_, i) => 100 * (i + 1));
  const narrow = makeTestView([chartRun(1)], { epochs: ten, total_steps: 1_000 }, { width: 390 });
  assert.deepEqual(annotationsOf(narrow).map(({ text }) => text), ["epoch 2", "epoch 4", "epoch 6", "epoch 8", "epoch 10"]);
});

test("chance is a line in the accuracy, or a note where the axis starts above it", () => {
  const view = makeTestView([chartRun(1)], { field: "accuracy" });
  assert.deepEqual(annotationsOf(view).map(({ text, y }) => [text, y]), [["chance, 10\u202f%", 0.1]]);
  assert.deepEqual(/** @type {{y0: number}[]} */ (layoutOf(view).shapes).map(({ y0 }) => y0), [0.1]);
  const run = chartRun(1);
  run.series.recent.accuracy = [0.95];
  run.series.accuracy.smooth = [0.95, 0.95, 0.95];
  const late = makeTestView([run], { field: "accuracy" });
  assert.deepEqual(annotationsOf(late).map(({ text }) => text), ["↓ chance is 10\u202f%"]);
  assert.deepEqual(layoutOf(late).shapes, []);
});

test("a difference has no line of chance, nor has another quantity", () => {
  assert.deepEqual(annotationsOf(makeTestView([chartRun(2)], { field: "accuracy" }, { baseline: chartRun(1) })), []);
  assert.deepEqual(annotationsOf(makeTestView([chartRun(1)])), []);
});

test("the previous run is named where its line ends or leaves the axis", () => {
  const ghost = chartRun(2, { name: "run-6" }, [4, 3, 2, 1, 0.5]);
  assert.deepEqual(annotationsOf(makeTestView([chartRun(1)], {}, { ghost })).map(({ text, x, y }) => [text, x, y]), [["run-6", 3, 2]]);
  assert.deepEqual(annotationsOf(makeTestView([chartRun(1)], { total_steps: 9 }, { ghost })).map(({ x }) => x), [5]);
  const sides = [[9, 9, 9], [0.1, 0.1, 0.1]].map((losses) =>
    annotationsOf(makeTestView([chartRun(1, {}, losses)], {}, { ghost })).map(({ yanchor }) => yanchor));
  assert.deepEqual(sides, [["top"], ["bottom"]]); // away from the curve of the run
  assert.deepEqual(annotationsOf(makeTestView([], {}, { ghost })).map(({ text }) => text), ["Nothing yet."]);
});

test("the axis says that several curves are smoothed, unless they are not", () => {
  const runs = [chartRun(1), chartRun(2)];
  const titles = [0, 0.5].map((smoothing) => layoutOf(makeTestView(runs, { smoothing })).yaxis.title);
  assert.deepEqual(titles.map((title) => /** @type {{text: string}} */ (title).text), ["Cross-entropy", "Cross-entropy, smoothed"]);
});

test("a legend that does not fit beside the title goes below it", () => {
  const legendOf = (/** @type {number} */ width) => {
    const { layout, rows } = buildLayout(makeTestView([chartRun(1), chartRun(2)], {}, { width }), undefined);
    const { x, y } = /** @type {{x: number, y: number}} */ (layout.legend);
    return { isBeside: x > 0 && y === 1, rows };
  };
  assert.deepEqual(legendOf(600), { isBeside: true, rows: 1 });
  assert.deepEqual(legendOf(190), { isBeside: false, rows: 3 });
});

test("the previous run does not lengthen the legend by a row", () => {
  const ghost = chartRun(2, { name: "a long name of a run that came before" });
  for (let width = 366; width < 1_000; width += 10) {
    const views = [null, ghost].map((each) => makeTestView([chartRun(1)], {}, { width, ghost: each }));
    const [without, withGhost] = views.map((view) => buildLayout(view, undefined).rows);
    assert.equal(withGhost, without, `${width}`);
  }
});

test("the legend of many runs takes rows, which the chart makes room for", () => {
  const runs = Array.from({ length: 14 }, (_, i) => chartRun(i + 1, { name: `a run with a rather long name, number ${i}` }));
  for (const width of [390, 681, 1_097]) {
    const { layout, rows } = buildLayout(makeTestView(runs, {}, { width }), undefined);
    assert.equal(/** @type {{t: number}} */ (layout.margin).t, 34 + 19 * (rows - 1));
    assert(rows > 1);
  }
  assert.equal(buildLayout(makeTestView(seedRuns([[1], [2]]), { bands: true }), undefined).rows, 1);
});
