import assert from "node:assert/strict";
import { test } from "node:test";

import { makeSweep, makeTrial } from "#tests/sweeps.js";

import { describeValues, formatLatest, formatResult, formatValue, rankTrials } from "./results.js";

test("a result is written as its objective is measured", () => {
  assert.equal(formatResult("accuracy", 0.98961), "98.96\u202f%");
  assert.equal(formatResult("loss", 0.0767), "0.07670");
  assert.equal(formatResult("time", 2.345), "2.35\u202fs");
  assert.equal(formatResult("time", null), "–");
  assert.equal(formatLatest("time", 0.5), "50.00\u202f%", "a search by time shows the accuracy on the way");
});

test("values of settings have four digits, choices their labels", () => {
  assert.equal(formatValue("lr", 0.0312345), "0.03123");
  assert.equal(formatValue("batch_size", 128), "128");
  assert.equal(formatValue("optimizer", "adam"), "Adam");
  assert.equal(formatValue("nesterov", true), "yes");
  assert.equal(describeValues({ lr: 0.03, batch_size: 32 }), "learning rate 0.03, batch size 32");
});

test("only completed trials of the search have a rank, the best first, and the earlier of two equal ones", () => {
  const trials = [
    makeTrial({ number: 1, value: 0.9 }), makeTrial({ number: 2, value: 0.95 }), makeTrial({ number: 3, value: 0.95 }),
    makeTrial({ number: 4, value: null, status: "pruned" }), makeTrial({ number: 5, value: 0.1, status: "diverged" }),
    makeTrial({ number: 6, value: 0.99, role: "winner" }),
  ];
  /** @param {import("../types").SweepState["objective"]} objective */
  const ranks = (objective) => rankTrials(makeSweep({ objective, trials })).map(({ number }) => number);
  assert.deepEqual(ranks("accuracy"), [2, 3, 1]);
  assert.deepEqual(ranks("loss"), [1, 2, 3]);
});
