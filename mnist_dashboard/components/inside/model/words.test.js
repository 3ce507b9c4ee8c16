import assert from "node:assert/strict";
import { test } from "node:test";

import { describeDead, describeLayer, describeMap, describeTsne, describeWeights, explainNoNorms, nameTsne } from "./words.js";

/** @param {string} name */
const layer = (name) => ({ name, shape: [20, 12, 12], units: 20 });

test("a layer is told in maps or in units", () => {
  assert.equal(describeLayer(layer("conv1")), "20 feature maps of 12 × 12");
  assert.equal(describeLayer({ ...layer("fc1"), shape: [500], units: 500 }), "500 units");
  assert.equal(describeLayer({ ...layer("conv2"), shape: [128, 8, 8], units: 256 }), "the first 128 of 256 feature maps of 8 × 8");
});

test("dead units are counted by layer", () => {
  const layers = [layer("conv1"), layer("fc1"), layer("fc2")];
  assert.equal(describeDead({ conv1: 3, fc1: 0 }, layers, "test"), "Dead units, which react to no test image: 3 of 20 in conv1.");
  assert.equal(describeDead({ conv1: 0 }, layers, "validation"), "No dead units: each reacts to some validation image.");
  assert.equal(describeDead({}, layers, "test"), "");
});

test("other weights than those of the step are named", () => {
  assert.equal(describeWeights(844, 844), "");
  assert.equal(describeWeights(800, 844), "Weights of step 800, the nearest that are kept.");
});

test("the map is told with its rings and the share of the differences that it shows", () => {
  const words = describeMap(10_000, "test", 172, [0.25, 0.163]);
  assert.match(words, /the 172 read wrong .* large ring: the chosen one\..* 41\u202f% of the differences/);
});

test("a map by t-SNE is told with what it does not mean, and with its progress", () => {
  assert.match(describeTsne(10_000, "test", 172), /the 172 read wrong .* how far apart clusters are, and how large, means little\./);
  assert.deepEqual([0, 0.409, 0.999, 1].map(nameTsne), ["t-SNE, 0\u202f%", "t-SNE, 40\u202f%", "t-SNE, 99\u202f%", "t-SNE"]);
});

test("a run without norms says why", () => {
  assert.match(explainNoNorms(true, true), /“Skip layer norms” is on/);
  assert.match(explainNoNorms(false, true), /trained before norms were recorded/);
  assert.match(explainNoNorms(false, false), /from the first evaluation on/);
});
