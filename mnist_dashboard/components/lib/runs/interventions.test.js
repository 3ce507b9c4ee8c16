import assert from "node:assert/strict";
import { test } from "node:test";

import { makeIntervention } from "#tests/factories.js";

import { formatTime } from "../format.js";
import { describeChange, describeOrigin, forkMark, interventionMarks } from "./interventions.js";

test("a change is described by step, setting and both values", () => {
  assert.equal(describeChange(makeIntervention()), "Step 1\u202f180: learning rate 0.01 → 0.05");
  assert.equal(describeChange(makeIntervention({ field: "batch_size", old: 64, new: 128 })), "Step 1\u202f180: batch size 64 → 128");
  assert.equal(describeChange(makeIntervention({ field: "unknown" })), "Step 1\u202f180: unknown 0.01 → 0.05");
});

test("your own changes are marked as yours", () => {
  const at = formatTime(makeIntervention().at);
  assert.equal(describeOrigin(makeIntervention({ by: "Ana" }), "Ana"), `you, ${at}`);
  assert.equal(describeOrigin(makeIntervention({ by: "Ana" }), "Ben"), `Ana, ${at}`);
});

test("marks on a chart are numbered from 1 and short", () => {
  const interventions = [makeIntervention(), makeIntervention({ step: 2_000, field: "batch_size", old: 64, new: 128 })];
  const marks = interventionMarks({ interventions, earlier_interventions: 0 });
  assert.deepEqual(marks.map(({ number, step, text }) => [number, step, text]), [
    [1, 1_180, "lr 0.01 → 0.05"],
    [2, 2_000, "batch 64 → 128"],
  ]);
  assert(marks[0].hover.startsWith("Step 1\u202f180: learning rate 0.01 → 0.05, owner, "));
  assert.deepEqual(interventionMarks(undefined), []);
  assert.deepEqual(interventionMarks({ interventions, earlier_interventions: 5 }).map(({ number }) => number), [6, 7]);
});

test("a fork is marked where it branches off from its parent", () => {
  assert.deepEqual(forkMark({ parent_id: 3, parent_step: 40 }, { name: "first" }), { step: 40, text: "from first" });
  assert.deepEqual(forkMark({ parent_id: 3, parent_step: 40 }, undefined), { step: 40, text: "from run 3" });
});

test("a repeated run, a run without a parent and an unknown run have no fork", () => {
  assert.equal(forkMark({ parent_id: 3, parent_step: null }, { name: "first" }), undefined);
  assert.equal(forkMark({ parent_id: null, parent_step: null }, undefined), undefined);
  assert.equal(forkMark(undefined, undefined), undefined);
});
