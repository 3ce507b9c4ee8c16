import assert from "node:assert/strict";
import { test } from "node:test";

import { readAnswers } from "./run_evaluations.js";

test("answers come first, then ten levels for each image", () => {
  const bytes = Uint8Array.from({ length: 22 }, (_, i) => i);
  const { predicted, levels } = readAnswers(bytes, true);
  assert.deepEqual([...predicted], [0, 1]);
  assert.equal(levels?.length, 20);
  assert.equal(levels?.[10], 12);
});

test("older runs have answers alone", () => {
  assert.deepEqual(readAnswers(Uint8Array.of(4, 9), false), { predicted: Uint8Array.of(4, 9), levels: null });
});
