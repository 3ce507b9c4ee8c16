/**
 * The evaluation that a view of a run shows, with its answers: the newest, or the one that the reader chose. The one before stays
 * until the answers of the next one are here.
 */
import { stream } from "../../../feed/client/stream.js";
import { sentenceOf } from "./requests.js";
import { inOrder } from "./scrub_track.js";

/**
 * @import { Split } from "../types"
 * @import { Answers, Evaluated, EvaluationList, RunEvaluations } from "./run_evaluations.js"
 * @typedef {{evaluation: Evaluated, answers: Answers, labels: Uint8Array|null, problem: string}} Shown `problem` says why there are no
 *   labels or images
 */

export const BEFORE_FIRST = "Mistakes show after the first evaluation.";
export const LOADING = "Loading …";
const SAVING_MS = 3000; // by then the weights of a new evaluation are saved

export class ShownEvaluation {
  /** @type {EvaluationList|null} */
  list = null;
  /** @type {Shown|null} */
  shown = null;
  /** Why nothing is shown. */
  problem = LOADING;
  /** @type {{step: number, split: Split}|null} what the reader chose; null follows the newest */
  wanted = null;
  #source;
  #onChange;
  #needsWeights;
  #known = "";
  #requests = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #waiting;
  #waitedFor = 0;
  #subscription;

  /**
   * @param {RunEvaluations} source @param {() => void} onChange
   * @param {{needsWeights: boolean}} options `needsWeights`: the newest evaluation is the newest one whose weights are kept, if any are
   */
  constructor(source, onChange, { needsWeights } = { needsWeights: false }) {
    this.#source = source;
    this.#onChange = onChange;
    this.#needsWeights = needsWeights;
    this.#subscription = stream.subscribe({
      runs: [source.run],
      onSeries: () => this.#onSeries(),
      onConnection: ({ state }) => { if (state === "connected") this.refresh(); },
    });
  }

  destroy() {
    this.#requests += 1;
    clearTimeout(this.#waiting);
    this.#subscription.close();
  }

  /** Ask which evaluations there are, and show one. */
  async refresh() {
    const request = ++this.#requests;
    try {
      const list = await this.#source.list();
      if (request !== this.#requests) return;
      this.list = list;
      this.problem = list.evaluations.length ? "" : BEFORE_FIRST;
    } catch (error) {
      this.problem = sentenceOf(error);
    }
    if (request === this.#requests) await this.show();
    if (this.#needsWeights) this.#awaitWeights();
  }

  /** Weights are saved after the evaluation: ask for the list once more. */
  #awaitWeights() {
    const newest = inOrder(this.list?.evaluations ?? []).at(-1);
    if (!newest || newest.weights_step !== null || newest.id === this.#waitedFor) return;
    this.#waitedFor = newest.id;
    this.#waiting = setTimeout(() => this.refresh(), SAVING_MS);
  }

  /** @param {number|null} step null and no split follow the newest @param {Split|null} split */
  goTo(step, split) {
    this.wanted = step === null && split === null ? null : { step: step ?? Infinity, split: split ?? "test" };
  }

  /** Show what the reader wants. */
  async show() {
    const request = ++this.#requests;
    const evaluation = this.#find();
    try {
      const shown = evaluation ? await this.#load(evaluation) : null;
      if (request !== this.#requests) return;
      this.shown = shown;
      if (shown) this.problem = "";
    } catch (error) {
      if (request !== this.#requests) return;
      this.problem = sentenceOf(error);
      this.shown = null;
    }
    this.#onChange();
    for (const neighbour of this.neighbours()) this.#source.answers(neighbour).catch(() => {}); // the next step need not wait
  }

  /** @param {Evaluated} evaluation @returns {Promise<Shown>} */
  async #load(evaluation) {
    let problem = this.list?.splits[evaluation.split].problem ?? "";
    const [answers, labels] = await Promise.all([
      this.#source.answers(evaluation),
      this.#source.labels(evaluation.split).catch((error) => {
        problem ||= sentenceOf(error);
        return null;
      }),
    ]);
    return { evaluation, answers, labels, problem };
  }

  #find() {
    const evaluations = inOrder(this.list?.evaluations ?? []);
    const wanted = this.wanted;
    if (!wanted) return this.#newest(evaluations);
    const sameSplit = evaluations.filter(({ split }) => split === wanted.split);
    return sameSplit.find(({ step }) => step === wanted.step) ?? sameSplit.at(-1) ?? evaluations.at(-1);
  }

  /** @param {Evaluated[]} evaluations */
  #newest(evaluations) {
    const kept = this.#needsWeights ? evaluations.findLast((evaluation) => evaluation.weights_step !== null) : null;
    return kept ?? evaluations.at(-1);
  }

  /** The evaluations beside the one shown: those that the reader may want next. */
  neighbours() {
    const evaluations = inOrder(this.list?.evaluations ?? []);
    const at = evaluations.findIndex(({ id }) => id === this.shown?.evaluation.id);
    return at < 0 ? [] : [evaluations[at + 1], evaluations[at - 1], evaluations[at + 2]].filter(Boolean);
  }

  #onSeries() {
    const known = nameAll(stream.series(this.#source.run)?.evaluations ?? []);
    if (known === this.#known) return;
    this.#known = known;
    if (!this.list || known !== nameAll(this.list.evaluations)) this.refresh();
  }
}

/** @param {{step: number, split: Split}[]} evaluations */
const nameAll = (evaluations) => inOrder(evaluations).map(({ step, split }) => `${split}${step}`).join();
