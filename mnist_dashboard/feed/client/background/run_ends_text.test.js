import assert from "node:assert/strict";
import { test } from "node:test";

import { makeRun } from "#tests/factories.js";
import { notificationOf } from "./run_ends_text.js";

const running = makeRun({ id: 7, status: "running" });

test("the notification of a run that ends has its sentence", () => {
  const sentence = { text: "98.31 % of 10 000 unseen digits right.", tone: /** @type {const} */ ("result"), remedy: null, cell: null };
  const run = makeRun({ id: 7, sentence });
  assert.deepEqual(notificationOf(running, run), { title: "run-7 finished", body: sentence.text, tag: "mnist-run-7-1" });
});

test("the notification of a run that fails has the reason", () => {
  const notification = notificationOf(running, makeRun({ id: 7, status: "failed", reason: "The disk is full." }));
  assert.deepEqual([notification?.title, notification?.body], ["run-7 failed", "The disk is full."]);
});

test("a resumed run gets another notification when it ends", () => {
  const again = makeRun({ id: 7, status: "running", attempt: 2 });
  assert.equal(notificationOf(again, makeRun({ id: 7, attempt: 2 }))?.tag, "mnist-run-7-2");
});

test("a run that goes on, had ended before, never began or was deleted gets no notification", () => {
  const ended = makeRun({ id: 7 });
  assert.equal(notificationOf(running, running), null);
  assert.equal(notificationOf(ended, makeRun({ id: 7, name: "renamed" })), null);
  assert.equal(notificationOf(undefined, ended), null);
  assert.equal(notificationOf(makeRun({ status: "queued" }), makeRun({ status: "stopped", started_at: null })), null);
  assert.equal(notificationOf(running, makeRun({ id: 7, status: "stopped", deleted: true })), null);
});
