import assert from "node:assert/strict";
import { test } from "node:test";

import { spreadLabels } from "./svg.js";

test("labels stay apart and inside", () => {
  assert.deepEqual(spreadLabels([10, 50, 90], 13, 100), [10, 50, 90]);
  assert.deepEqual(spreadLabels([50, 52, 10], 13, 100), [50, 63, 10]);
  assert.deepEqual(spreadLabels([99, 98, 97], 13, 100), [100, 87, 74]);
});
