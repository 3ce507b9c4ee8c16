import assert from "node:assert/strict";
import { test } from "node:test";

import { NOTHING, Problems } from "./problems.js";

function parts() {
  /** @type {Record<string, string>} */
  const said = {};
  const part = (/** @type {string} */ name) => ({ explain: (/** @type {string} */ sentence) => { said[name] = sentence; } });
  return { said, problems: new Problems({ first: part("first"), second: part("second"), third: part("third") }) };
}

test("what is wrong with all is said by the first, in whatever order it is heard of", () => {
  const { said, problems } = parts();
  problems.add("third", "gone");
  assert.deepEqual(said, { third: "gone" });
  problems.add("first", "gone");
  assert.deepEqual(said, { first: "gone", third: NOTHING });
  problems.addToAll("");
  assert.deepEqual(said, { first: "", second: "", third: "" });
  problems.addToAll("lost");
  assert.deepEqual(said, { first: "lost", second: NOTHING, third: NOTHING });
});

test("different problems are all said, and a part without one is left alone", () => {
  const { said, problems } = parts();
  problems.add("first", "gone");
  problems.add("third", "slow");
  problems.add("unknown", "lost");
  assert.deepEqual(said, { first: "gone", third: "slow" });
  problems.clear();
  problems.add("third", "gone");
  assert.deepEqual(said, { first: "gone", third: "gone" });
});
