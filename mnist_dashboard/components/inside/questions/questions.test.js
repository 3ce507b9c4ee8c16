import assert from "node:assert/strict";
import { test } from "node:test";

import { Questions } from "./questions.js";

/** A network whose answers come when the test says so. */
class Network {
  /** @type {{path: string, answer: (value: any) => void, fail: (error: unknown) => void}[]} */
  asked = [];
  /** @param {string} path */
  ask = (path) => new Promise((answer, fail) => { this.asked.push({ path, answer, fail }); });
  get paths() {
    return this.asked.map(({ path }) => path);
  }
}

const settled = () => new Promise((resolve) => { setImmediate(resolve); });

/** @param {string} path @param {any[]} answers */
const question = (path, answers) => ({
  path, query: {}, key: path, isBatch: path === path.toUpperCase(), onAnswer: (/** @type {any} */ answer) => answers.push(answer),
  onError: (/** @type {any} */ error) => answers.push(error.message),
});

test("one question at a time, and those that nobody wants any more are never asked", async () => {
  const [network, answers] = [new Network(), /** @type {any[]} */ ([])];
  const questions = new Questions(network.ask);
  questions.want([question("a", answers), question("b", answers)]);
  questions.want([question("a", answers), question("c", answers)]);
  assert.deepEqual(network.paths, ["a"]);
  network.asked[0].answer(1);
  await settled();
  assert.deepEqual([network.paths, answers], [["a", "c"], [1]]);
});

test("a question about all images does not keep one about a single image waiting", async () => {
  const [network, answers] = [new Network(), /** @type {any[]} */ ([])];
  const questions = new Questions(network.ask);
  questions.want([question("MAP", answers), question("a", answers), question("DEAD", answers)]);
  assert.deepEqual(network.paths, ["a", "MAP"]);
  network.asked[1].answer(1);
  await settled();
  assert.deepEqual(network.paths, ["a", "MAP", "DEAD"]);
});

test("an answer that comes too late is kept for the next time, and told to nobody", async () => {
  const [network, answers] = [new Network(), /** @type {any[]} */ ([])];
  const questions = new Questions(network.ask);
  questions.want([question("a", answers)]);
  questions.want([question("b", answers)]);
  network.asked[0].answer(1);
  await settled();
  assert.deepEqual(answers, []);
  questions.want([question("a", answers)]);
  assert.deepEqual(answers, [1]);
});

test("an error is told once, and the next question follows", async () => {
  const [network, answers] = [new Network(), /** @type {any[]} */ ([])];
  new Questions(network.ask).want([question("a", answers), question("b", answers)]);
  network.asked[0].fail(new Error("gone"));
  await settled();
  assert.deepEqual([network.paths, answers], [["a", "b"], ["gone"]]);
});

test("a busy network is asked again, a few times", async () => {
  const busy = Object.assign(new Error("busy"), { status: 503 });
  let asked = 0;
  const told = new Promise((resolve) => {
    new Questions(async () => {
      asked += 1;
      throw busy;
    }, 0).want([{ path: "a", query: {}, key: "a", isBatch: false, onError: resolve }]);
  });
  assert.equal(await told, busy);
  assert.equal(asked, 4);
});

test("a question that is not done is asked again, and only its last answer is kept", async () => {
  const [network, answers] = [new Network(), /** @type {any[]} */ ([])];
  const questions = new Questions(network.ask, 0, 0);
  const slow = { ...question("MAP", answers), isDone: (/** @type {number} */ answer) => answer === 1 };
  questions.want([slow, question("DEAD", answers)]);
  network.asked[0].answer(0.5);
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.deepEqual([network.paths, answers], [["MAP", "MAP"], [0.5]]);
  questions.want([slow]);
  assert.deepEqual(answers, [0.5]);
  network.asked[1].answer(1);
  await settled();
  assert.deepEqual([network.paths, answers], [["MAP", "MAP"], [0.5, 1]]);
  questions.want([slow]);
  assert.deepEqual([network.paths, answers], [["MAP", "MAP"], [0.5, 1, 1]]);
});

test("a question that is not done is not asked again when nobody wants it any more", async () => {
  const [network, answers] = [new Network(), /** @type {any[]} */ ([])];
  const questions = new Questions(network.ask, 0, 0);
  questions.want([{ ...question("MAP", answers), isDone: () => false }]);
  questions.want([]);
  network.asked[0].answer(0.5);
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.deepEqual([network.paths, answers], [["MAP"], []]);
});
