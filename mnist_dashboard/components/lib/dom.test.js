import assert from "node:assert/strict";
import { test } from "node:test";

import { setText } from "./dom.js";

/** What an element needs for `setText`. @param {string|null} text */
function element(text) {
  /** @type {any} */
  const made = { firstChild: text === null ? null : { nodeType: 3, nodeValue: text, nextSibling: null } };
  Object.defineProperty(made, "textContent", {
    get: () => made.firstChild?.nodeValue ?? "",
    set: (value) => {
      made.firstChild = { nodeType: 3, nodeValue: value, nextSibling: null };
    },
  });
  return made;
}

test("a new text goes into the same text node", () => {
  const label = element("94 %");
  const node = label.firstChild;
  setText(label, "95 %");
  assert.equal(label.textContent, "95 %");
  assert.equal(label.firstChild, node);
});

test("an element without a text gets one", () => {
  const label = element(null);
  setText(label, "95 %");
  assert.equal(label.textContent, "95 %");
});
