import assert from "node:assert/strict";
import { test } from "node:test";

import { makeRun } from "#tests/factories.js";

import { IDLE, isFinished, statusLabel, statusText } from "./status.js";

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

test("queued runs show their place, and removed ones that they were removed", () => {
  assert.equal(statusText(makeRun({ status: "queued", queue_position: 2 })), "Queued, 2nd");
  assert.equal(statusText(makeRun({ status: "queued", queue_position: 11 })), "Queued, 11th");
  assert.equal(statusText(makeRun({ status: "stopped", reason: "Removed from the queue." })), "Removed from the queue");
  assert.equal(statusText(makeRun({ status: "stopped" })), "Stopped");
});
