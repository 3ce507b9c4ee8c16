import assert from "node:assert/strict";
import { test } from "node:test";

import { makeRun } from "#tests/factories.js";

import { conditionProblems, filterRuns, groupRuns, sortRuns, visibleColumns } from "./arrange.js";

/** @import { Item, View } from "./arrange.js" */

/** @param {Partial<View>} [fields] @returns {View} */
const makeView = (fields) => ({
  sort: "", search: "", where: {}, group: "", columns: [], pinned: [], baseline: null, differs: false, archived: false, ...fields,
});

const runs = [
  makeRun({ id: 4, name: "dog", seed_group: "x", settings: { lr: 0.1, seed: 2 } }),
  makeRun({ id: 3, name: "cat", seed_group: "x", settings: { lr: 0.1, seed: 1 } }),
  makeRun({ id: 2, name: "bee", seed_group: "y", settings: { lr: 0.02 }, archived: true }),
  makeRun({ id: 1, name: "ant", seed_group: "z", settings: { lr: 0.003 } }),
];

/** @param {{id: number}[]} list */
const ids = (list) => list.map(({ id }) => id);

/** @param {Item[]} items */
const outline = (items) => items.map((item) => (item.kind === "run" ? item.run.id : `${item.label} (${item.runs.length})`));

test("archived runs are hidden unless they are asked for", () => {
  assert.deepEqual(ids(filterRuns(runs, makeView())), [4, 3, 1]);
  assert.deepEqual(ids(filterRuns(runs, makeView({ archived: true }))), [4, 3, 2, 1]);
});

test("search and conditions must all hold; empty and unknown conditions are ignored", () => {
  const where = { lr: ">=0.1", name: " ", unknown: "x" };
  assert.deepEqual(ids(filterRuns(runs, makeView({ where }))), [4, 3]);
  assert.deepEqual(ids(filterRuns(runs, makeView({ where, search: "cat" }))), [3]);
});

test("conditions that make no sense are named and left out", () => {
  const where = { lr: "fast", unknown: "x", name: "cat" };
  assert.deepEqual(ids(filterRuns(runs, makeView({ where }))), [3]);
  assert.deepEqual(conditionProblems(where), {
    lr: "“fast” is no condition on Learning rate: write >0.1, 1..5, 64, or – for none.",
    unknown: "There is no column “unknown”.",
  });
});

test("a minus sorts downwards, and an unknown column leaves the newest first", () => {
  assert.deepEqual(ids(sortRuns(runs, makeView({ sort: "lr" }))), [1, 2, 4, 3]);
  assert.deepEqual(ids(sortRuns(runs, makeView({ sort: "-name" }))), [4, 3, 2, 1]);
  assert.deepEqual(ids(sortRuns(runs, makeView({ sort: "unknown" }))), [4, 3, 2, 1]);
});

test("seeds are groups, the newest first, but a run without a twin stays a run", () => {
  const view = makeView({ group: "seeds" });
  const group = "lr 0.1, 2 seeds (2)"; // named by what differs among the runs shown
  assert.deepEqual(outline(groupRuns(runs, view, new Set())), [group, 2, 1]);
  assert.deepEqual(outline(groupRuns(runs, view, new Set(["x"]))), [group, 4, 3, 2, 1]);
});

test("groups of a column are ordered as people count, or as the runs are sorted", () => {
  const newest = groupRuns(runs, makeView({ group: "lr" }), new Set());
  assert.deepEqual(outline(newest), ["Learning rate 0.003 (1)", "Learning rate 0.02 (1)", "Learning rate 0.1 (2)"]);
  const sorted = groupRuns(runs, makeView({ group: "lr", sort: "-name" }), new Set(["lr=0.02"]));
  assert.deepEqual(outline(sorted), ["Learning rate 0.1 (2)", "Learning rate 0.02 (1)", 2, "Learning rate 0.003 (1)"]);
});

test("without a group, or with an unknown one, there are runs only", () => {
  assert.deepEqual(outline(groupRuns(runs, makeView({ group: "unknown" }), new Set())), [4, 3, 2, 1]);
});

test("a search and a race are one row each, where the first of their runs would be, unless the reader looks for runs", () => {
  const trials = [
    makeRun({ id: 9, name: "rates trial 2", sweep_id: 3 }),
    makeRun({ id: 8, name: "alone" }),
    makeRun({ id: 7, name: "lane-2", race_id: 6 }),
    makeRun({ id: 6, name: "lane-1", race_id: 6 }),
    makeRun({ id: 5, name: "trial-1", sweep_id: 3 }),
  ];
  assert.deepEqual(outline(groupRuns(trials, makeView(), new Set())), ["rates (2)", 8, "race-6 (2)"]);
  assert.deepEqual(outline(groupRuns(trials, makeView(), new Set(["sweep-3"]))), ["rates (2)", 9, 5, 8, "race-6 (2)"]);
  const all = [9, 8, 7, 6, 5];
  assert.deepEqual(outline(groupRuns(trials, makeView({ search: "trial" }), new Set())), all);
  assert.deepEqual(outline(groupRuns(trials, makeView({ where: { status: "running" } }), new Set())), all);
});

test("the name is always a column, and the order is that of the table", () => {
  assert.deepEqual(visibleColumns(makeView(), ["test_loss", "lr"], runs).map(({ key }) => key), ["name", "test_loss", "lr"]);
});

test("among the usual columns, those of lineage and tags need a run that has some", () => {
  const keysOf = (/** @type {typeof runs} */ shown) => visibleColumns(makeView(), [], shown).map(({ key }) => key);
  assert(!keysOf(runs).includes("tags"));
  assert(keysOf([...runs, makeRun({ id: 9, tags: ["wide"] })]).includes("tags"));
  assert(visibleColumns(makeView(), ["tags"], runs).some(({ key }) => key === "tags"), "unless the reader chose them");
});

test("settings that are equal in all runs can be hidden", () => {
  const keys = ["lr", "momentum", "test_loss"];
  assert.deepEqual(visibleColumns(makeView({ differs: true }), keys, runs).map(({ key }) => key), ["name", "test_loss", "lr"]);
  assert.equal(visibleColumns(makeView({ differs: true }), keys, runs.slice(0, 1)).length, 4);
});
