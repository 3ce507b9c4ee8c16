import assert from "node:assert/strict";
import { test } from "node:test";

import { Selection } from "./selection.js";

/** @param {number[]} ids */
function makeSelection(ids) {
  /** @type {number[][]} */
  const sent = [];
  return { selection: new Selection(ids, (chosen) => sent.push(chosen)), sent };
}

test("a choice is sent to Python", () => {
  const { selection, sent } = makeSelection([1]);
  selection.choose([1, 2]);
  assert.deepEqual(sent, [[1, 2]]);
  assert(selection.has(2));
});

test("an echo of an older choice does not undo a newer one", () => {
  const { selection } = makeSelection([]);
  selection.choose([1]);
  selection.choose([1, 2]);
  selection.receive([1]);
  assert.deepEqual(selection.ids, [1, 2]);
  selection.receive([1, 2]);
  assert.deepEqual(selection.ids, [1, 2]);
});

test("a rerun that began before the click does not undo it", () => {
  const { selection } = makeSelection([5]);
  selection.choose([5, 6]);
  selection.receive([5]);
  assert.deepEqual(selection.ids, [5, 6]);
});

test("Python's own choice wins, also over one that is on its way", () => {
  const { selection } = makeSelection([5]);
  selection.receive([7]);
  assert.deepEqual(selection.ids, [7]);
  selection.choose([7, 8]);
  selection.receive([9]);
  assert.deepEqual(selection.ids, [9]);
  assert(!selection.has(8));
});

test("ticked runs keep the order in which they were ticked", () => {
  const { selection } = makeSelection([3, 1]);
  assert.deepEqual(selection.with([2, 3], true), [1, 2, 3]);
  assert.deepEqual(selection.with([3], false), [1]);
  assert.deepEqual(selection.ids, [3, 1]);
});
