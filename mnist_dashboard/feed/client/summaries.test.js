import assert from "node:assert/strict";
import { test } from "node:test";

import { makeRun } from "#tests/factories.js";
import { newerSummary } from "./summaries.js";

/** @import { Sentence } from "../../components/lib/types" */

/** @type {Sentence} */
const SENTENCE = { text: "Learning steadily.", tone: "progress", remedy: null, cell: null };

test("a page that draws a run anew keeps the sentence that the stream has sent", () => {
  const streamed = makeRun({ status: "running", revision: 5, sentence: SENTENCE });
  const painted = makeRun({ status: "running", revision: 5 });
  assert.deepEqual(newerSummary(streamed, painted).sentence, SENTENCE);
});

test("a sentence about an earlier state of the run goes", () => {
  const streamed = makeRun({ status: "running", revision: 5, sentence: SENTENCE });
  assert.equal(newerSummary(streamed, makeRun({ status: "completed", revision: 6 })).sentence, undefined);
});

test("an older summary changes nothing", () => {
  const streamed = makeRun({ revision: 5, sentence: SENTENCE });
  assert.equal(newerSummary(streamed, makeRun({ revision: 4 })), streamed);
});
