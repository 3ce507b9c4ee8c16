import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { drawSoon, forgetDrawing } from "./drawing.js";

let now = 0;
/** @type {number[]} when frames were drawn */
let frames = [];
/** @type {unknown[]} */
let errors = [];

mock.timers.enable({ apis: ["setTimeout"] });
mock.method(performance, "now", () => now);
Object.assign(globalThis, {
  requestAnimationFrame: (/** @type {() => void} */ draw) => {
    frames.push(now);
    draw();
  },
  reportError: (/** @type {unknown} */ error) => errors.push(error),
});

/** @param {number} ms */
function pass(ms) {
  for (const end = now + ms; now < end;) {
    now += 1;
    mock.timers.tick(1);
  }
}

/** A drawing that takes a time. @param {number} ms */
const drawing = (ms = 0) => mock.fn(() => (now += ms));

beforeEach(() => {
  drawSoon(() => {}); // a frame that cost nothing
  pass(2000);
  frames = [];
  errors = [];
});

test("everything that has changed is drawn in one frame, and once", () => {
  const [a, b] = [drawing(), drawing()];
  drawSoon(a);
  drawSoon(b);
  drawSoon(a);
  pass(1000);
  assert.equal(frames.length, 1);
  assert.deepEqual([a.mock.callCount(), b.mock.callCount()], [1, 1]);
});

test("the first change after a pause is drawn at once, and constant changes four times a second", () => {
  const draw = drawing();
  const start = now;
  for (let i = 0; i < 200; i++) {
    drawSoon(draw);
    pass(5);
  }
  assert.deepEqual(frames.map((at) => Math.round((at - start) / 250)), [0, 1, 2, 3]);
});

test("drawing takes a twenty-fifth of the time, but never delays the next frame by more than 0.32 s", () => {
  for (const [cost, interval] of [[8, 250], [12, 300], [200, 320]]) {
    pass(2000);
    frames = [];
    drawSoon(drawing(cost));
    pass(1);
    drawSoon(drawing(0));
    pass(2000);
    const [first, second] = frames;
    assert.ok(Math.abs(second - first - interval) <= 5, `${cost} ms: ${second - first}`);
  }
});

test("what was forgotten is not drawn", () => {
  const draw = drawing();
  drawSoon(draw);
  forgetDrawing(draw);
  pass(1000);
  assert.equal(draw.mock.callCount(), 0);
});

test("an error does not keep the others from being drawn", () => {
  const draw = drawing();
  drawSoon(() => assert.fail("broken"));
  drawSoon(draw);
  pass(1000);
  assert.equal(draw.mock.callCount(), 1);
  assert.match(String(errors), /broken/);
});
