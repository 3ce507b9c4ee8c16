import assert from "node:assert/strict";
import { test } from "node:test";

import { resultScale } from "./result_scale.js";

test("the better accuracy is higher, and good ones are spread", () => {
  const { place } = resultScale(true, [0.1, 0.9, 0.98, 0.99]);
  assert(place(0.1) < place(0.9) && place(0.9) < place(0.98) && place(0.98) < place(0.99));
  assert(place(0.99) - place(0.98) > (place(0.9) - place(0.1)) / 5, "0.01 at the top is worth more than in between");
  assert(place(0.1) > 0 && place(0.99) < 1);
});

test("the lower loss is lower", () => {
  const { place, ticks } = resultScale(false, [0.05, 2.3]);
  assert(place(0.05) < place(2.3));
  assert.deepEqual(ticks.map(([, text]) => text), ["0.05", "0.1", "0.2", "0.5", "1", "2"]);
});

test("ticks are round numbers, at least two and at most seven, whatever the range", () => {
  for (const values of [[0.1, 0.99], [0.97, 0.9896], [0.981, 0.982], [0.5], [1], [0.9, 1], [0.0999, 0.9999]]) {
    const { ticks, place } = resultScale(true, values);
    assert(ticks.length >= 2 && ticks.length <= 7, `${values}: ${ticks.map(([, text]) => text)}`);
    for (const [at, text] of ticks) assert(at >= -1e-9 && at <= 1 + 1e-9 && text.length < 10, `${values}: ${text} at ${at}`);
    for (const value of values) assert(place(value) >= 0 && place(value) <= 1);
  }
});

test("ticks of accuracies are percentages", () => {
  assert.deepEqual(resultScale(true, [0.5, 0.99]).ticks.map(([, text]) => text),
    ["99\u202f%", "98\u202f%", "95\u202f%", "90\u202f%", "80\u202f%", "50\u202f%"]);
});
