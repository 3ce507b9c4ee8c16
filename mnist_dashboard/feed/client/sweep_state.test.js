import assert from "node:assert/strict";
import test from "node:test";
import { applyChange } from "./sweep_state.js";

/** @import { SweepState, Trial } from "../../components/lib/types" */

/** @param {number} number @param {string} status */
const trial = (number, status) => /** @type {Trial} */ (/** @type {unknown} */ ({ number, status }));

/** @param {number} elapsed @param {Trial[]} trials */
const sweep = (elapsed, trials) => /** @type {SweepState} */ (/** @type {unknown} */ ({ sweep: 3, elapsed, trials }));

test("a change replaces the trials that it has, adds new ones in order, and leaves the others alone", () => {
  const before = sweep(1, [trial(1, "completed"), trial(3, "running")]);
  const after = applyChange(before, sweep(2, [trial(4, "running"), trial(3, "pruned"), trial(2, "completed")]));
  assert.equal(after.elapsed, 2);
  assert.deepEqual(
    after.trials.map(({ number, status }) => [number, status]),
    [[1, "completed"], [2, "completed"], [3, "pruned"], [4, "running"]],
  );
  assert.equal(after.trials[0], before.trials[0]);
  assert.equal(before.trials.length, 2, "the state before is as it was");
});
