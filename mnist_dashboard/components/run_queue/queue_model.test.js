import assert from "node:assert/strict";
import { test } from "node:test";

import { makeRun } from "#tests/factories.js";

import { SETTINGS } from "../lib/constants.js";
import { describeSettings, moveRequest, queueLine } from "./queue_model.js";

const DEFAULTS = Object.fromEntries(Object.entries(SETTINGS).map(([name, setting]) => [name, setting.default]));

test("a run moves past its neighbour, and back", () => {
  assert.deepEqual(moveRequest([3, 5, 9], 9, "up"), {
    request: { do: "move", run: 9, before: 5 },
    undo: { do: "move", run: 9, after: 5 },
  });
  assert.deepEqual(moveRequest([3, 5, 9], 3, "down"), {
    request: { do: "move", run: 3, after: 5 },
    undo: { do: "move", run: 3, before: 5 },
  });
});

test("a run cannot leave the queue by moving", () => {
  assert.equal(moveRequest([3, 5], 3, "up"), null);
  assert.equal(moveRequest([3, 5], 5, "down"), null);
  assert.equal(moveRequest([3, 5], 7, "down"), null);
  assert.equal(moveRequest([3, 5], 7, "up"), null);
});

test("only settings that are not the defaults are named", () => {
  /** @param {Record<string, number|string|boolean>} settings */
  const describe = (settings) => describeSettings(makeRun({ settings: { ...DEFAULTS, ...settings } }).settings);
  assert.equal(describe({}), "Default settings");
  assert.equal(describe({ lr: 0.05, epochs: 10 }), "learning rate 0.05, epochs 10");
  assert.equal(describe({ save_model: true }), "save model");
});

test("the line names the first run and counts the others", () => {
  assert.deepEqual([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(queueLine), [
    "",
    "a is in the queue",
    "a and 1 more are in the queue",
    "a and 2 more are in the queue",
  ]);
});
