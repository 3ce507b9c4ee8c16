import assert from "node:assert/strict";
import { test } from "node:test";

import { makeSweep, makeTrial } from "#tests/sweeps.js";

import { finalRows } from "./final_rows.js";

test("winner, defaults and the reader's settings have one axis for their intervals", () => {
  const trials = [
    makeTrial({ number: 1, values: { lr: 0.5 } }),
    makeTrial({ number: 2, values: { lr: 0.1 } }),
    makeTrial({ number: 3, role: "baseline", values: {}, test: { accuracy: 0.91, low: 0.9, high: 0.92, seeds: 3 } }),
    makeTrial({ number: 4, role: "winner", values: { lr: 0.1 }, test: { accuracy: 0.98, low: 0.96, high: 1, seeds: 3 } }),
    makeTrial({ number: 5, role: "compared", values: { lr: 9 }, status: "running", test: null }),
  ];
  const rows = finalRows(makeSweep({ trials }));
  assert.deepEqual(rows.map(({ name }) => name), ["Winner, trial 2", "Defaults", "Your settings"]);
  const [winner, defaults, own] = rows.map(({ place }) => place);
  assert.equal(winner?.high, 1);
  assert.equal(defaults?.low, 0);
  assert(winner && defaults && winner.low > defaults.high);
  assert.equal(own, null);
});

test("an extended search shows its newest winner, and a search without one shows nothing", () => {
  const winners = [makeTrial({ number: 3, role: "winner" }), makeTrial({ number: 6, role: "winner", values: { lr: 0.2 } })];
  assert.deepEqual(finalRows(makeSweep({ trials: winners })).map(({ trial }) => trial.number), [6]);
  assert.deepEqual(finalRows(makeSweep({ trials: [makeTrial({})] })), []);
});
