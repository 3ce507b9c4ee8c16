import assert from "node:assert/strict";
import { test } from "node:test";

import { distinctNames, shorten, textWidth } from "./names.js";

test("a name that fits stays as it is, a longer one is cut in its middle", () => {
  assert.equal(shorten("a".repeat(24)), "a".repeat(24));
  assert.equal(shorten("mnist-classic-baseline-lr0.1-seed1"), "mnist-classi…lr0.1-seed1");
});

test("emoji and letters with accents are never cut in half", () => {
  const family = "👨‍👩‍👧‍👦";
  const accented = "e\u0301";
  for (const character of [family, accented, "🇩🇪", "👍🏽"]) {
    for (let length = 3; length < 12; length++) {
      const short = shorten(character.repeat(12), length);
      assert.equal(short.replaceAll(character, ""), "…");
      assert(textWidth(short) <= length);
    }
  }
});

test("long names differ where they differ", () => {
  const ends = distinctNames(["mnist-classic-baseline-lr0.1-seed1", "mnist-classic-baseline-lr0.1-seed2"]);
  assert.deepEqual(ends.map((name) => name.slice(-5)), ["seed1", "seed2"]);
  const middles = distinctNames([1, 2].map((digit) => `mnist-classic-baseline-lr0.${digit}-momentum-0.9-batch-64`));
  assert.deepEqual(middles, ["…e-lr0.1-momentum-0.9-b…", "…e-lr0.2-momentum-0.9-b…"]);
});

test("a name that is the beginning of another stays distinct", () => {
  const names = distinctNames(["a".repeat(30), "a".repeat(40)]);
  assert.equal(new Set(names).size, 2);
});

test("many names stay distinct, and none is wider than asked for", () => {
  const names = Array.from({ length: 14 }, (_, i) => `a very long name of a run with number ${i} in its middle and more words behind it`);
  for (const length of [12, 16, 24]) {
    const short = distinctNames(names, length);
    assert.equal(new Set(short).size, 14);
    assert(short.every((name) => textWidth(name) <= length));
  }
});

test("equal names are numbered", () => {
  assert.deepEqual(distinctNames(["run", "run", "other"]), ["run", "run (2)", "other"]);
});
