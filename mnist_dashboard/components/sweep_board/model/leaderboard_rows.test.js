import assert from "node:assert/strict";
import { test } from "node:test";

import { makeSweep, makeTrial } from "#tests/sweeps.js";

import { boardRows, cellTexts, columnTitles, hasMore } from "./leaderboard_rows.js";

const completed = [0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97].map((value, i) => makeTrial({ number: i + 1, value }));
const others = [
  makeTrial({ number: 8, status: "running", value: null, latest: 0.5 }),
  makeTrial({ number: 9, status: "running", value: null, latest: 0.8 }),
  makeTrial({ number: 10, status: "running", value: null, latest: null }),
  makeTrial({ number: 11, status: "failed", value: null }),
  makeTrial({ number: 12, status: "pruned", value: null, latest: 0.6 }),
  makeTrial({ number: 13, role: "winner", value: 0.99 }),
];
const sweep = makeSweep({ trials: [...completed, ...others] });

test("the folded board has the best five and those that train, the most accurate first", () => {
  assert.deepEqual(boardRows(sweep, false).map(({ trial, place }) => [trial.number, place]),
    [[7, 1], [6, 2], [5, 3], [4, 4], [3, 5], [9, null], [8, null], [10, null]]);
});

test("unfolded it has every trial of the search", () => {
  assert.deepEqual(boardRows(sweep, true).map(({ trial }) => trial.number), [7, 6, 5, 4, 3, 2, 1, 9, 8, 10, 12, 11]);
  assert(hasMore(sweep));
  assert(!hasMore(makeSweep({ trials: completed.slice(0, 5) })));
});

test("in a search by loss the lowest is first", () => {
  const byLoss = makeSweep({ objective: "loss", trials: [...completed, ...others] });
  assert.deepEqual(boardRows(byLoss, false).map(({ trial }) => trial.number), [1, 2, 3, 4, 5, 8, 9, 10]);
});

test("a row has the values of the settings, the result or what has been reached so far, and the steps", () => {
  assert.deepEqual(columnTitles(sweep), ["Learning rate", "Validation", "Steps"]);
  assert.deepEqual(cellTexts(sweep, makeTrial({ value: 0.9896, step: 1688 })), ["0.1", "98.96\u202f%", "1\u202f688"]);
  assert.deepEqual(cellTexts(sweep, others[2]), ["0.1", "–", "100"]);
  assert.deepEqual(cellTexts(makeSweep({ objective: "time", trials: [] }), makeTrial({ value: 2.5 })), ["0.1", "2.50\u202fs", "100"]);
});
