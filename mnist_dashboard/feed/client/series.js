/**
 * What the browser keeps of one run: its curves reduced to buckets, its evaluations and its rolling confusion matrix. Pure: no
 * page, no network. Every batch enters the smoothing before points are reduced, and each bucket keeps the extremes of its
 * batches, so that a run of millions of steps stays honest in a bounded number of points. A batch whose value is null is left
 * out: a bucket without any value is a gap, and the average carries on behind it. These are the rules of feed/series.py.
 */
import { CURVES, LEVELS, MAX_BUCKETS, RECENT_BATCHES, RECENT_SHARE } from "../../components/lib/constants.js";

/**
 * @import {
 *   ChartField, Curve, CurveField, Evaluation, EvaluationMessage, HistoryMessage, Matrix, Split, StepsMessage
 * } from "../../components/lib/types"
 */

/** @typedef {number|null} Value null stands for NaN and infinity, which JSON lacks */

/** @returns {Curve} */
const emptyCurve = () => ({ low: [], high: [], smooth: [] });

/** @param {Value} a @param {Value} b @returns {Value} */
const lower = (a, b) => (a === null ? b : b === null ? a : Math.min(a, b));

/** @param {Value} a @param {Value} b @returns {Value} */
const higher = (a, b) => (a === null ? b : b === null ? a : Math.max(a, b));

/** @param {Value} a @param {Value} b @returns {Value} */
const later = (a, b) => b ?? a;

export class RunSeries {
  /** @param {number} run @param {number} smoothing weight of the past, 0 to below 1 */
  constructor(run, smoothing) {
    this.run = run;
    this.smoothing = smoothing;
    this.attempt = 1;
    /** The last step held. */
    this.step = 0;
    /** @type {number[]} last step of each bucket */
    this.x = [];
    this.loss = emptyCurve();
    this.accuracy = emptyCurve();
    this.examples_per_second = emptyCurve();
    /** @type {Value[]} of the last step of each bucket, as is `elapsed_seconds` */
    this.lr = [];
    /** @type {Value[]} */
    this.elapsed_seconds = [];
    /** @type {Record<CurveField, [average: number, count: number]>} before bias correction, and of how many values */
    this.average = { loss: [0, 0], accuracy: [0, 0], examples_per_second: [0, 0] };
    /** @type {Record<CurveField, Value[]>} of the last batches, whatever the smoothing */
    this.recent = { loss: [], accuracy: [], examples_per_second: [] };
    /** Steps in a bucket. */
    this.bucketSize = 1;
    /** @type {Evaluation[]} by step */
    this.evaluations = [];
    /** @type {Matrix|null} */
    this.matrix = null;
    this.matrixBatches = 0;
  }

  /** Replace everything held by the server's history. @param {HistoryMessage} history @param {number} smoothing */
  replace(history, smoothing) {
    this.smoothing = smoothing;
    this.attempt = history.attempt;
    this.step = history.step;
    this.x = history.x;
    for (const field of CURVES) {
      this[field] = history[field];
      this.average[field] = [...history.ema[field]];
      this.recent[field] = [...history.recent[field]];
    }
    for (const field of LEVELS) this[field] = history[field];
    // Only the last buckets say how large new ones should be; the very last may not be full.
    const recent = this.x.slice(-9);
    this.bucketSize = Math.max(1, ...recent.slice(1).map((x, i) => x - recent[i]));
    this.evaluations = [...history.evaluations].sort((a, b) => a.step - b.step);
    this.matrix = history.matrix;
    this.matrixBatches = history.matrix_batches;
    this.#reduce();
  }

  /**
   * Append consecutive steps; those already held are skipped.
   * @param {StepsMessage} message
   * @returns {boolean} false if steps are missing in between: the history is needed again
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

  /** @param {EvaluationMessage} evaluation @returns {boolean} false if it belongs to another attempt */
  addEvaluation(evaluation) {
    if (evaluation.attempt !== this.attempt) return false;
    const others = this.evaluations.filter(({ step, split }) => step !== evaluation.step || split !== evaluation.split);
    this.evaluations = [...others, evaluation].sort((a, b) => a.step - b.step);
    return true;
  }

  /** @param {Split} split */
  evaluationsOf(split) {
    return this.evaluations.filter((evaluation) => evaluation.split === split);
  }

  /** What is drawn of a field, one value a bucket. @param {ChartField} field @returns {Value[]} */
  line(field) {
    return field === "lr" ? this.lr : this[field].smooth;
  }

  /** The smoothed value of the last bucket; null without one. @param {ChartField} field */
  smoothed(field) {
    return this.line(field).at(-1) ?? null;
  }

  /**
   * The mean of the last batches, which does not depend on the smoothing: of 20, or fewer early in a run, where values move fast.
   * @param {CurveField} field @returns {Value} null without a value
   */
  recentMean(field) {
    const count = Math.min(RECENT_BATCHES, 1 + Math.floor(RECENT_SHARE * this.step));
    const values = this.recent[field].slice(-count).filter((value) => value !== null);
    return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
  }

  /** @param {StepsMessage} message @param {number} i */
  #push(message, i) {
    const end = this.x.length - 1;
    const grows = end >= 0 && this.step - (this.x[end - 1] ?? 0) <= this.bucketSize;
    if (grows) this.x[end] = this.step;
    else this.x.push(this.step);
    for (const field of CURVES) this.#pushValue(field, message[field][i], grows);
    for (const field of LEVELS) this[field][grows ? end : end + 1] = message[field][i];
  }

  /** @param {CurveField} field @param {Value} value @param {boolean} grows whether the last bucket takes it */
  #pushValue(field, value, grows) {
    const curve = this[field];
    const smooth = this.#smooth(field, value);
    this.recent[field].push(value);
    if (this.recent[field].length > RECENT_BATCHES) this.recent[field].shift();
    if (!grows) {
      curve.low.push(value);
      curve.high.push(value);
      curve.smooth.push(smooth);
      return;
    }
    const end = curve.low.length - 1;
    curve.low[end] = lower(curve.low[end], value);
    curve.high[end] = higher(curve.high[end], value);
    curve.smooth[end] = later(curve.smooth[end], smooth);
  }

  /**
   * Bias-corrected exponential average (Kingma & Ba 2015, section 3); null for a batch whose value is null, which leaves it alone.
   * @param {CurveField} field @param {Value} value
   */
  #smooth(field, value) {
    if (value === null) return null;
    const average = this.average[field];
    const weight = this.smoothing;
    average[0] = weight * average[0] + (1 - weight) * value;
    average[1] += 1;
    return average[0] / (1 - weight ** average[1]);
  }

  /** Merge buckets in pairs while there are more than twice as many as a screen can show. */
  #reduce() {
    while (this.x.length > 2 * MAX_BUCKETS) {
      for (const field of CURVES) {
        const { low, high, smooth } = this[field];
        this[field] = { low: mergePairs(low, lower), high: mergePairs(high, higher), smooth: mergePairs(smooth, later) };
      }
      for (const field of LEVELS) this[field] = keepLater(this[field]);
      this.x = keepLater(this.x);
      this.bucketSize *= 2;
    }
  }
}

/** The second of each pair; the last value also if it has no partner. @template T @param {T[]} values */
const keepLater = (values) => values.filter((_, i) => i % 2 || i === values.length - 1);

/** @param {Value[]} values @param {(a: Value, b: Value) => Value} pick */
const mergePairs = (values, pick) => keepLater(values.map((value, i) => (i % 2 ? pick(values[i - 1], value) : value)));
