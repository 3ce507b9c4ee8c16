import assert from "node:assert/strict";
import { test } from "node:test";

import { fitWidths } from "./fit.js";

const tick = { width: 30, least: 30, grows: false };
const name = { width: 200, least: 120, grows: true };
const loss = { width: 80, least: 80, grows: true };
const tags = { width: 100, least: 60, grows: true };

test("spare room goes to all columns that grow", () => {
  assert.deepEqual(fitWidths([tick, name, loss], 350), [30, 220, 100]);
});

test("columns with long texts give room, the last ones first", () => {
  assert.deepEqual(fitWidths([tick, name, loss, tags], 380), [30, 200, 80, 70]);
  assert.deepEqual(fitWidths([tick, name, loss, tags], 300), [30, 130, 80, 60]);
});

test("a box that is too narrow for all columns scrolls instead of cutting any", () => {
  assert.deepEqual(fitWidths([tick, name, loss, tags], 250), [30, 200, 80, 100]);
});
