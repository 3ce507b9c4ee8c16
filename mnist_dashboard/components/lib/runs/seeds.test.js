import assert from "node:assert/strict";
import { test } from "node:test";

import { INTERVALS } from "#tests/fixtures.js";

import { halfInterval, measuredRuns, oneRunPerSeed } from "./seeds.js";

/** @param {number} id @param {number} seed @param {string} status */
const run = (id, seed, status) => ({ id, status, settings: { seed } });

/** @param {{id: number}[]} runs */
const ids = (runs) => runs.map(({ id }) => id);

const trained = [run(5, 1, "completed"), run(4, 2, "stopped"), run(3, 1, "failed"), run(2, 1, "running")];

test("a seed that was trained twice counts once, as the first run that finished", () => {
  assert.deepEqual(ids(oneRunPerSeed([...trained, run(6, 3, "running")])), [3, 4, 6]);
});

test("only finished runs are measured, unless none has finished", () => {
  assert.deepEqual(ids(measuredRuns(trained)), [3, 4]);
  assert.deepEqual(ids(measuredRuns([trained[3]])), [2]);
});

test("confidence intervals are those of the statistics in Python", () => {
  for (const { count, sd, resolution, half } of INTERVALS) {
    assert(Math.abs(halfInterval(sd, count, resolution) / half - 1) < 1e-5, `${count} seeds`);
  }
});

test("groups larger than the table of quantiles get a slightly wider interval, never a narrower one", () => {
  const half = halfInterval(1, 1_000);
  assert(half > 1.9623 / Math.sqrt(1_000));
  assert(half < (1.9623 * 1.007) / Math.sqrt(1_000));
});
