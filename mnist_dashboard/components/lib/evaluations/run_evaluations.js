/** What a run answered at each evaluation: fetched when it is first asked for, then kept. */
import { requestBytes, requestJson } from "./requests.js";

/**
 * @import { Split } from "../types"
 * @typedef {object} Evaluated an evaluation in the list of a run
 * @property {number} id
 * @property {number} step
 * @property {number} epoch
 * @property {Split} split
 * @property {number|null} loss
 * @property {number} accuracy
 * @property {boolean} has_probabilities
 * @property {number|null} weights_step its step if the weights of that step are kept
 * @typedef {{images: number, problem: string}} SplitFacts `problem` says why there are no labels or images; else empty
 * @typedef {{run: number, version: string, dataset: string, splits: Record<Split, SplitFacts>, evaluations: Evaluated[]}} EvaluationList
 * @typedef {object} Answers
 * @property {Uint8Array} predicted a digit for each image
 * @property {Uint8Array|null} levels ten for each image, image by image: probabilities in 255ths
 * @typedef {{label: number, evaluations: {id: number, step: number, predicted: number, probability: number|null}[]}} ImageHistory
 */

const MAX_KEPT = 40; // evaluations, of 110 kB each

/**
 * Split the bytes of an evaluation into its parts. @param {Uint8Array} bytes @param {boolean} hasProbabilities @returns {Answers}
 */
export function readAnswers(bytes, hasProbabilities) {
  const images = hasProbabilities ? bytes.length / 11 : bytes.length;
  return { predicted: bytes.subarray(0, images), levels: hasProbabilities ? bytes.subarray(images) : null };
}

export class RunEvaluations {
  /** @type {Map<number, Promise<Answers>>} by id of the evaluation, the one asked for last at the end */
  #answers = new Map();
  /** @type {Map<string, Promise<any>>} what never changes, by its address */
  #facts = new Map();
  #version = "";

  /** @param {number} run */
  constructor(run) {
    this.run = run;
  }

  /**
   * What names this run in an address. Once it has a version, browsers keep what they get from there: without one, a database
   * restored from a backup could have another run of the same number.
   * @returns {Record<string, string|number>}
   */
  get query() {
    return this.#version ? { run: this.run, v: this.#version } : { run: this.run };
  }

  /** The evaluations so far, by step. @returns {Promise<EvaluationList>} */
  async list() {
    const list = await requestJson("evaluations.json", { run: this.run });
    this.#version = list.version;
    return list;
  }

  /** @param {Evaluated} evaluation */
  answers({ id, has_probabilities: hasProbabilities }) {
    const found = this.#answers.get(id) ?? requestBytes("predictions.bin", { ...this.query, evaluation: id })
      .then((bytes) => readAnswers(bytes, hasProbabilities));
    this.#answers.delete(id);
    this.#answers.set(id, found);
    found.catch(() => this.#answers.delete(id)); // a later request may succeed
    if (this.#answers.size > MAX_KEPT) this.#answers.delete(this.#answers.keys().next().value ?? -1);
    return found;
  }

  /** True digits of a split. @param {Split} split @returns {Promise<Uint8Array>} */
  labels(split) {
    return this.#once(`labels/${split}`, () => requestBytes("labels.bin", { ...this.query, split }));
  }

  /** What an image was read as at each evaluation. @param {Split} split @param {number} image @returns {Promise<ImageHistory>} */
  history(split, image) {
    return requestJson("image_history.json", { run: this.run, split, image });
  }

  /** @template T @param {string} key @param {() => Promise<T>} ask @returns {Promise<T>} */
  #once(key, ask) {
    const found = this.#facts.get(key) ?? ask();
    this.#facts.set(key, found);
    found.catch(() => this.#facts.delete(key));
    return found;
  }
}
