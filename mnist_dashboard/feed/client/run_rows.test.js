import assert from "node:assert/strict";
import { test } from "node:test";

import { readRows } from "./run_rows.js";

test("a row becomes a run with its settings", () => {
  const [run] = readRows({ fields: ["id", "name", "curve"], settings: ["lr", "model"], rows: [[7, "a", [2, 1, "10"], 0.1, "mlp"]] });
  assert.equal(run.id, 7);
  assert.equal(run.name, "a");
  assert.deepEqual(run.curve, [2, 1, "10"]);
  assert.deepEqual(run.settings, { lr: 0.1, model: "mlp" });
});

test("fields that the list does not hold have empty values", () => {
  const [run] = readRows({ fields: ["id"], settings: [], rows: [[1]] });
  assert.deepEqual([run.epoch_ends, run.notice, run.deleted], [[], "", false]);
});
