import assert from "node:assert/strict";
import { test } from "node:test";

import { makeRun } from "#tests/factories.js";

import {
  NO_STANDING, barFloor, cellTexts, gapsAt, leadChanges, orderLanes, placeText, raceProgress, raceSpeed, raceStatus, secondsLeft,
  sentenceOn,
} from "./standing.js";

const LANES = [{ id: 1, name: "lr 0.003" }, { id: 2, name: "lr 0.1" }, { id: 3, name: "lr 0.03" }];

/** @param {number} epochs @param {number} leader @param {Record<string, number>} accuracies */
const moment = (epochs, leader, accuracies) => ({ epochs, leader, accuracies, steps: { 1: 40, 2: 40, 3: 40 } });
const STANDING = {
  ...NO_STANDING,
  moments: [moment(0.5, 2, { 1: 0.5, 2: 0.9, 3: 0.8 }), moment(1, 3, { 1: 0.9155, 2: 0.9755, 3: 0.9765 })],
  sentence: "lr 0.03 leads lr 0.1.",
  is_level: false,
};
const RUNS = LANES.map(({ id }) => makeRun({
  id, status: "running", step: 480, total_steps: 640, elapsed_seconds: 30, examples_per_second: 1000 * id,
}));

test("lanes are in the order of their validation, those that have left the race last", () => {
  assert.deepEqual(orderLanes(LANES, STANDING.moments).map(({ id }) => id), [3, 2, 1]);
  assert.deepEqual(orderLanes(LANES, [moment(1, 2, { 2: 0.1, 3: 0.2 })]).map(({ id }) => id), [3, 2, 1]);
  assert.deepEqual(orderLanes(LANES, []), LANES);
});

test("gaps are counted down from the best lane", () => {
  const gaps = gapsAt(STANDING.moments[1]);
  assert.deepEqual(Object.values(gaps).map((gap) => gap.toFixed(4)), ["-0.0610", "-0.0010", "0.0000"]);
  assert.equal(leadChanges(STANDING.moments), 1);
});

test("a row ends with its gap, with the lead, or with why the lane is no longer there", () => {
  const ordered = orderLanes(LANES, STANDING.moments);
  const texts = (/** @type {typeof STANDING} */ standing) => ordered.map((lane) => placeText(lane, ordered, standing, undefined));
  assert.deepEqual(texts(STANDING), ["leads", "−0.10 points", "−6.10 points"]);
  assert.deepEqual(texts({ ...STANDING, is_level: true }), ["level", "level", "−6.10 points"]);
  assert.equal(placeText(LANES[0], LANES, NO_STANDING, makeRun({ status: "diverged" })), "Diverged");
  assert.equal(placeText(LANES[0], LANES, NO_STANDING, RUNS[0]), "");
});

test("the strip adds up lanes that take turns", () => {
  const cells = cellTexts(LANES, RUNS, STANDING).map(([text]) => text);
  assert.deepEqual(cells.slice(0, 2), ["480", "lr 0.03"]);
  assert.deepEqual(cells.slice(2), ["97.65\u202f%", "0.10", "1", "1\u202f636", "1:30", "0:30"]);
  assert.equal(secondsLeft([makeRun()]), null);
  assert.equal(raceSpeed([makeRun()]), null);
});

test("with other batch sizes a step is not the same in all lanes, and the strip counts epochs", () => {
  const runs = [makeRun({ status: "running", step: 100, total_steps: 200 }), makeRun({ status: "running", step: 50, total_steps: 100 })];
  assert.deepEqual(cellTexts(LANES.slice(0, 2), runs, NO_STANDING)[0], ["1.5", "/ 3"]);
});

test("a lane that has ended has done its share", () => {
  const stopped = makeRun({ status: "stopped", step: 10, total_steps: 100 });
  assert.equal(raceProgress([stopped, makeRun({ status: "running", step: 50, total_steps: 100 })]), 0.75);
});

test("the state of a race is the liveliest of its lanes", () => {
  const order = ["running", "paused", "interrupted", "completed"];
  assert.equal(raceStatus([makeRun({ status: "completed" }), makeRun({ status: "paused" })], order), "paused");
});

test("bars begin as high as keeps the shortest one visible", () => {
  assert.deepEqual([[0.97, 0.95], [0.97, 0.91], [0.97, 0.55], [0.97, 0.2], []].map(barFloor), [0.9, 0.8, 0.5, 0, 0.9]);
});

test("one sentence says what a race waits for, why it ended, or who leads", () => {
  const text = (/** @type {import("../../lib/types").Run[]} */ runs, standing = NO_STANDING, status = "running") => (
    sentenceOn(LANES, runs, standing, status).text);
  const queued = [makeRun({ status: "queued", queue_position: 2, after: "run-6" })];
  assert.equal(text(queued, NO_STANDING, "queued"), "Position 2 in the queue, after run-6.");
  assert.equal(text(RUNS), "Who leads shows after the first evaluation.");
  assert.equal(text(RUNS, STANDING), "lr 0.03 leads lr 0.1.");
  assert.equal(text(RUNS, { ...STANDING, sentence: "" }), "lr 0.03 is in front after 1 epoch.");
  const interrupted = [makeRun({ status: "interrupted", reason: "The server closed." })];
  assert.equal(text(interrupted, STANDING, "interrupted"), "The server closed. Resume goes on with all lanes.");
  assert.equal(sentenceOn(LANES, [makeRun({ status: "completed" })], { ...STANDING, is_real: true }, "completed").tone, "result");
});
