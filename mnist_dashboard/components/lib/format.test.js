import assert from "node:assert/strict";
import { test } from "node:test";

import { CLOCKS, FORMATTED } from "#tests/fixtures.js";

import {
  formatAge, formatChoice, formatCount, formatDuration, formatLoss, formatPercent, formatSetting, formatTime, escapeForPlotly,
} from "./format.js";

test("numbers are written as Python's pages write them", () => {
  for (const expected of FORMATTED) {
    const { value } = expected;
    assert.deepEqual({ value, percent: formatPercent(value), count: formatCount(value), loss: withExponent(formatLoss(value)) }, expected);
  }
});

/** JavaScript writes the exponent of 1.234e-5 with one digit, Python with two. @param {string} text */
const withExponent = (text) => text.replace(/e([+-])(\d)$/, "e$10$2");

test("durations are written as Python's pages write them", () => {
  for (const { seconds, text } of CLOCKS) assert.equal(formatDuration(seconds), text);
});

test("what was not measured is a dash", () => {
  for (const format of [formatCount, formatLoss, formatPercent, formatDuration, formatSetting, formatTime]) assert.equal(format(null), "–");
  assert.equal(formatLoss(NaN), "–");
});

test("ages are rough", () => {
  assert.deepEqual([0, 119, 120, 7_199, 7_200].map(formatAge), ["0 s", "119 s", "2 min", "120 min", "2 h"]);
});

test("settings are written as they were typed", () => {
  assert.deepEqual([0.1 + 0.2, 64, 1e-7].map(formatSetting), ["0.3", "64", "1e-7"]);
});

test("a time has its zone; the date is left out today, and the year this year", () => {
  const now = new Date(2026, 4, 3, 12);
  /** @param {...number} parts */
  const at = (...parts) => new Date(parts[0], parts[1], parts[2], parts[3], parts[4]).getTime() / 1000;
  /** @param {number} year @param {number} month */
  const zone = (year, month) => new Date(year, month, 28).toLocaleString("en", { timeZoneName: "short" }).split(" ").at(-1);
  assert.equal(formatTime(at(2026, 4, 3, 9, 5), now), `09:05 ${zone(2026, 4)}`);
  assert.equal(formatTime(at(2026, 3, 30, 23, 59), now), `30 Apr 23:59 ${zone(2026, 3)}`);
  assert.equal(formatTime(at(2025, 11, 31, 0, 0), now), `31 Dec 2025 00:00 ${zone(2025, 11)}`);
});

test("names are text to Plotly", () => {
  assert.equal(escapeForPlotly("<b>&%{x}</b>"), "&lt;b&gt;&amp;&#37;{x}&lt;/b&gt;");
});

test("choices have labels, and users' own networks the one that Python gives them", () => {
  assert.equal(formatChoice({ mlp: "MLP" }, "mlp"), "MLP");
  assert.equal(formatChoice({}, "tiny.py:Tiny"), "Tiny (tiny.py)");
  assert.equal(formatChoice({}, "tiny.py:Tiny@3f2a9c1d04b7"), "Tiny (tiny.py, 3f2a9c1d)");
  assert.equal(formatChoice({}, "gone"), "gone");
});
