/**
 * What the browser keeps of one run: its curves reduced to buckets, its evaluations and its rolling confusion matrix. Pure: no
 * page, no network. Every batch enters the smoothing before points are reduced, and each bucket keeps the extremes of its
 * batches, so that a run of millions of steps stays honest in a bounded number of points.
 */

import { CURVES, LEVELS, MAX_BUCKETS } from "../../components/lib/constants.js";

/** @typedef {{low: (number|null)[], high: (number|null)[], smooth: (number|null)[]}} Curve */

const emptyCurve = () => ({ low: [], high: [], smooth: [] });
const lower = (a, b) => (a === null ? b : b === null ? a : Math.min(a, b));
const higher = (a, b) => (a === null ? b : b === null ? a : Math.max(a, b));

export class RunSeries {
  /** @param {number} run @param {number} smoothing weight of the past, 0 to below 1 */
  constructor(run, smoothing) {
    this.run = run;
    this.smoothing = smoothing;
    this.attempt = 1;
    this.step = 0; // the last step held
    /** @type {number[]} last step of each bucket */
    this.x = [];
    /** @type {Curve} */
    this.loss = emptyCurve();
    /** @type {Curve} */
    this.accuracy = emptyCurve();
    /** @type {Curve} */
    this.examples_per_second = emptyCurve();
    /** @type {(number|null)[]} of the last step of each bucket */
    this.lr = [];
    this.elapsed_seconds = [];
    this.average = Object.fromEntries(CURVES.map((field) => [field, [0, 0]])); // what each sums to, and of how many
    this.width = 1; // steps a bucket
    this.last = { loss: null, accuracy: null }; // of the last batch
    this.evaluations = [];
    this.matrix = null;
    this.matrixBatches = 0;
  }

  /** Take over the server's history in place of everything held. */
  replace(history, smoothing) {
    this.smoothing = smoothing;
    this.attempt = history.attempt;
    this.step = history.step;
    this.x = history.x;
    for (const field of CURVES) {
      this[field] = history[field];
      this.average[field] = [...history.ema[field]];
    }
    for (const field of LEVELS) this[field] = history[field];
    // Only the last buckets say how wide new ones should be; the very last may not be full.
    const recent = this.x.slice(-9);
    this.width = Math.max(1, ...recent.slice(1).map((x, i) => x - recent[i]));
    this.last = { loss: this.loss.high.at(-1) ?? null, accuracy: this.accuracy.high.at(-1) ?? null };
    this.evaluations = [...history.evaluations].sort((a, b) => a.step - b.step);
    this.matrix = history.matrix;
    this.matrixBatches = history.matrix_batches;
    this.#reduce();
  }

  /**
   * Append consecutive steps; those already held are passed over.
   * @returns {boolean} false if the message does not follow on what is held: the history is needed again
   */
  append(message) {
    if (message.attempt !== this.attempt || message.first > this.step + 1) return false;
    for (let i = this.step + 1 - message.first; i < message.loss.length; i++) {
      this.step += 1;
      this.#push(message, i);
    }
    if (message.matrix) {
      this.matrix = message.matrix;
      this.matrixBatches = message.matrix_batches;
    }
    this.#reduce();
    return true;
  }

  /** @returns {boolean} false if it belongs to another attempt */
  addEvaluation(evaluation) {
    if (evaluation.attempt !== this.attempt) return false;
    const same = (e) => e.step === evaluation.step && e.split === evaluation.split;
    this.evaluations = [...this.evaluations.filter((e) => !same(e)), evaluation].sort((a, b) => a.step - b.step);
    return true;
  }

  /** @param {"validation"|"test"} split */
  evaluationsOf(split) {
    return this.evaluations.filter((e) => e.split === split);
  }

  /** What is drawn of a field, a value a bucket. @returns {(number|null)[]} */
  line(field) {
    return this[field].smooth ?? this[field];
  }

  /** The smoothed value at the last step; null without one. */
  smoothed(field) {
    return this.line(field).at(-1) ?? null;
  }

  #push(message, i) {
    const end = this.x.length - 1;
    const grows = end >= 0 && this.step - (this.x[end - 1] ?? 0) <= this.width;
    if (grows) this.x[end] = this.step;
    else this.x.push(this.step);
    for (const field of CURVES) this.#pushValue(field, message[field][i], grows);
    for (const field of LEVELS) this[field][grows ? end : end + 1] = message[field][i];
    this.last = { loss: message.loss[i], accuracy: message.accuracy[i] };
  }

  #pushValue(field, value, grows) {
    const curve = this[field];
    const smooth = this.#smooth(field, value);
    if (!grows) {
      curve.low.push(value);
      curve.high.push(value);
      curve.smooth.push(smooth);
      return;
    }
    const end = curve.low.length - 1;
    curve.low[end] = lower(curve.low[end], value);
    curve.high[end] = higher(curve.high[end], value);
    curve.smooth[end] = smooth;
  }

  /** Bias-corrected exponential average; a batch without a number (NaN travels as null) leaves it alone. */
  #smooth(field, value) {
    if (value === null) return null;
    const average = this.average[field];
    const a = this.smoothing;
    average[0] = a * average[0] + (1 - a) * value;
    average[1] += 1;
    return average[0] / (1 - a ** average[1]);
  }

  #reduce() {
    while (this.x.length > 2 * MAX_BUCKETS) {
      const keepLater = (values) => values.filter((_, i) => i % 2 || i === values.length - 1);
      const join = (values, pick) => keepLater(values.map((v, i) => (i % 2 ? pick(values[i - 1], v) : v)));
      for (const curve of CURVES.map((field) => this[field])) {
        curve.low = join(curve.low, lower);
        curve.high = join(curve.high, higher);
        curve.smooth = keepLater(curve.smooth);
      }
      for (const field of LEVELS) this[field] = keepLater(this[field]);
      this.x = keepLater(this.x);
      this.width *= 2;
    }
  }
}
