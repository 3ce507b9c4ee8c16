import assert from "node:assert/strict";
import { test } from "node:test";

import { GROUPS } from "#tests/fixtures.js";

import { groupNames } from "./group_names.js";

test("groups have the names that Python gives them", () => {
  for (const { runs, names } of GROUPS) {
    const byGroup = groupNames(runs.toReversed());
    assert.deepEqual(runs.map((run) => byGroup.get(run.seed_group)), names);
  }
});

test("without runs there are no names", () => {
  assert.equal(groupNames([]).size, 0);
});
