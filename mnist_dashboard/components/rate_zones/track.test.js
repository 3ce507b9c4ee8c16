import assert from "node:assert/strict";
import test from "node:test";

import { curvePoints, placeOnAxis, placeOnTrack, zoneEnds } from "./track.js";

const STOPS = [0.0001, 0.001, 0.01, 0.1, 1];

test("a stop is at its number, and a rate between two stops between them", () => {
  assert.deepEqual(STOPS.map((stop) => placeOnTrack(stop, STOPS)), [0, 0.25, 0.5, 0.75, 1]);
  assert.equal(placeOnTrack(Math.sqrt(0.001 * 0.01), STOPS).toFixed(4), "0.3750");
  assert.deepEqual([0.00001, 2].map((rate) => placeOnTrack(rate, STOPS)), [0, 1]);
});

test("zones end where their rates are, and a zone that is missing has no width", () => {
  assert.deepEqual(zoneEnds({ safe_up_to: 0.01, diverges_above: 0.1, stops: STOPS }), [50, 75]);
  assert.deepEqual(zoneEnds({ safe_up_to: 1, diverges_above: null, stops: STOPS }), [100, 100]);
  assert.deepEqual(zoneEnds({ safe_up_to: null, diverges_above: 0.001, stops: STOPS }), [0, 25]);
});

test("the axis is logarithmic", () => {
  assert.equal(placeOnAxis(0.01, 0.0001, 1), 0.5);
  assert.deepEqual([placeOnAxis(0.00001, 0.0001, 1), placeOnAxis(3, 0.0001, 1)], [0, 1]);
});

test("losses that are no number or too high are at the top, and rates beyond the range are left out", () => {
  const box = { width: 100, height: 50, low: 0.0001, high: 1, highest: 2 };
  assert.equal(curvePoints([0.0001, 0.01, 1, 1.5], [1, 3, null, 1], box), "0.0,25.0 50.0,0.0 100.0,0.0");
});
