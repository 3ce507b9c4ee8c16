import assert from "node:assert/strict";
import { test } from "node:test";

import { makeRun } from "#tests/factories.js";

import { columnOf } from "./columns.js";
import { conditionProblem, parseCondition, parseSearch } from "./filters.js";

/** @param {string} key @param {string} typed @param {Parameters<typeof makeRun>[0]} fields */
function matches(key, typed, fields) {
  const column = columnOf(key);
  assert(column, key);
  return parseCondition(column, typed)(makeRun(fields));
}

test("numbers are compared", () => {
  const lr = { settings: { lr: 0.1 } };
  const passed = [">0.05", ">=0.1", "<0.2", "<= 0.1", "=0.1", "0.1", ".1", "1e-1", "0.05..0.2", "0.1..0.1"];
  for (const typed of passed) assert(matches("lr", typed, lr), typed);
  for (const typed of [">0.1", "<0.1", "0.2", "0.2..0.3"]) assert(!matches("lr", typed, lr), typed);
});

test("a decimal comma is a decimal point, and digits may be grouped", () => {
  const lr = { settings: { lr: 0.1 } };
  for (const typed of ["0,1", ">0,05", "<,2", "0,05..0,2", "1e-1"]) assert(matches("lr", typed, lr), typed);
  assert(!matches("lr", ">0,1", lr));
  assert(matches("step", ">2 000", { step: 2_532 }));
  assert(matches("step", "2\u202f532", { step: 2_532 }));
});

test("durations are compared as they are written", () => {
  const run = { elapsed_seconds: 61 };
  for (const typed of [">1:00", "1:00..1:10", "<1:00:00", ">59"]) assert(matches("elapsed_seconds", typed, run), typed);
  assert(!matches("elapsed_seconds", ">1:01", run));
});

test("shares may be typed in percent", () => {
  const run = { test_accuracy: 0.975 };
  const passed = [">97", ">97%", ">0.97", "97.5", "97..98", "97%..98", "0.97..0.98"];
  for (const typed of passed) assert(matches("test_accuracy", typed, run), typed);
  for (const typed of [">98", "<97%", "0.98..0.99"]) assert(!matches("test_accuracy", typed, run), typed);
});

test("a number finds the rounded number in a cell", () => {
  assert(matches("test_accuracy", "97.48", { test_accuracy: 0.97479 }));
});

test("a run without a value passes no comparison, and a dash finds it", () => {
  assert(!matches("test_loss", "<1", { test_loss: null }));
  assert(matches("test_loss", "-", { test_loss: null }));
  assert(matches("parent", "–", {}));
  assert(!matches("test_loss", "-", { test_loss: 0.1 }));
});

test("words are found in the text of a cell, whatever their case", () => {
  assert(matches("model", "cnn", { settings: { model: "classic" } }));
  assert(matches("status", "FINI", {}));
  assert(!matches("status", "running", {}));
});

test("an older name of a status finds it, too", () => {
  assert(matches("status", "completed", {}));
  assert(matches("status", "removed", { status: "stopped", reason: "Removed from the queue." }));
});

test("text that is not a condition on numbers is reported", () => {
  const problem = (/** @type {string} */ typed) => conditionProblem(columnOf("lr"), "lr", typed);
  for (const typed of ["fast", ">x", "1..", "<", "0.1.2..3"]) assert.match(problem(typed), /is no condition/, typed);
  for (const typed of ["", "-", "–", "0,1", ">=1e-3"]) assert.equal(problem(typed), "", typed);
  assert.equal(conditionProblem(columnOf("elapsed_seconds"), "elapsed_seconds", "1:0"), "", "part of a cell");
  assert.equal(conditionProblem(columnOf("name"), "name", ">x"), "", "a text");
  assert.equal(conditionProblem(undefined, "speed", "1"), "There is no column “speed”.");
});

test("text that is not a condition on numbers is searched for", () => {
  assert(matches("elapsed_seconds", "1:0", { elapsed_seconds: 61 }));
  assert(!matches("lr", "fast", {}));
});

test("a time is filtered by its text, though it is a number", () => {
  const started_at = new Date(2023, 10, 14, 12, 30).getTime() / 1000;
  assert(matches("started_at", "nov 2023", { started_at }));
  assert(!matches("started_at", ">5", { started_at }));
});

test("a search finds runs that contain every word", () => {
  const run = makeRun({ name: "Search-7", tags: ["wide"], notes: "too slow", dataset: "kmnist" });
  for (const typed of ["search", "SLOW wide", "kmnist completed", ""]) assert(parseSearch(typed)(run), typed);
  assert(!parseSearch("slow narrow")(run));
});
