import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Asker } from "./asker.js";

/** An asker of 50 ms whose questions are answered by hand. */
function scripted() {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  /** @type {((retryMs: number) => void)[]} */
  const open = [];
  let asked = 0;
  const asker = new Asker(() => {
    asked++;
    return new Promise((resolve) => {
      open.push(resolve);
    });
  }, 50);
  return {
    asker,
    count: () => asked,
    /** @param {number} [retryMs] */
    answer: async (retryMs = 0) => {
      open.shift()?.(retryMs);
      await Promise.resolve();
      await Promise.resolve();
    },
  };
}

test("the first change is asked at once, further ones at most every 50 ms", async (t) => {
  t.after(() => mock.timers.reset());
  const { asker, count, answer } = scripted();
  asker.changed();
  mock.timers.tick(0);
  assert.equal(count(), 1);
  await answer();
  asker.changed();
  mock.timers.tick(49);
  assert.equal(count(), 1);
  mock.timers.tick(1);
  assert.equal(count(), 2);
});

test("one question is open at a time, and of all changes meanwhile only the last is asked", async (t) => {
  t.after(() => mock.timers.reset());
  const { asker, count, answer } = scripted();
  asker.changed();
  mock.timers.tick(0);
  for (let i = 0; i < 20; i++) {
    asker.changed();
    mock.timers.tick(30);
  }
  assert.equal(count(), 1);
  await answer();
  mock.timers.tick(0);
  assert.equal(count(), 2);
  await answer();
  mock.timers.tick(1000);
  assert.equal(count(), 2);
});

test("a refused question is put again, unless its subject is gone", async (t) => {
  t.after(() => mock.timers.reset());
  const { asker, count, answer } = scripted();
  asker.changed();
  mock.timers.tick(0);
  await answer(1000);
  mock.timers.tick(999);
  assert.equal(count(), 1);
  mock.timers.tick(1);
  assert.equal(count(), 2);
  await answer(1000);
  asker.drop();
  mock.timers.tick(5000);
  assert.equal(count(), 2);
});

test("a delay starts again with each change, and nothing is asked after the end", (t) => {
  t.after(() => mock.timers.reset());
  const { asker, count } = scripted();
  asker.changed(300);
  mock.timers.tick(299);
  asker.changed(300);
  mock.timers.tick(299);
  assert.equal(count(), 0);
  asker.close();
  mock.timers.tick(1000);
  asker.changed();
  mock.timers.tick(1000);
  assert.equal(count(), 0);
});
