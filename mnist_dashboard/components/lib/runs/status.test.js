import assert from "node:assert/strict";
import { test } from "node:test";

import { IDLE, isFinished, statusLabel } from "./status.js";

test("statuses have the labels that Python gives them", () => {
  assert.deepEqual(["queued", "completed", "interrupted"].map(statusLabel), ["Queued", "Finished", "Interrupted"]);
});

test("without a run the strip is ready", () => {
  assert.equal(statusLabel(IDLE), "Ready");
  assert(!isFinished(IDLE));
});

test("an interrupted run may be resumed, a failed one is final", () => {
  assert(!isFinished("interrupted"));
  assert(isFinished("failed"));
});
