/**
 * What the trials of a search say about its settings: all trials over their settings, how good they are over two of them, which
 * settings matter, and good ranges. The trials come with the live feed; what takes Python is asked for when enough have ended.
 */
import { followSweep } from "../../feed/client/sweeps.js";
import { drawSoon, forgetDrawing } from "../lib/drawing.js";
import { make } from "../lib/dom.js";
import { mountView } from "../lib/evaluations/mount_view.js";
import { requestJson, sentenceOf } from "../lib/evaluations/requests.js";
import { onThemeChange } from "../lib/theme.js";
import { AllTrials } from "./all_trials.js";
import { LandscapePanel } from "./landscape_panel.js";
import { judgeTrials } from "./model/trials.js";
import { WhatMatters } from "./what_matters.js";

/**
 * @import { Host, SweepState } from "../lib/types"
 * @typedef {{sweep: number, may_act: boolean}} AnalysisData
 * @typedef {{label: string, share: number, low: number, high: number, certain: boolean}} Importance
 * @typedef {{low: number, high: number, log: boolean}} NarrowedRange
 * @typedef {NarrowedRange|(string|number|boolean)[]|string|number|boolean} Narrowed
 * @typedef {{name: string, label: string, text: string, narrowed: Narrowed, is_fixed: boolean}} GoodRange
 * @typedef {object} Analysis from `/sweep-analysis.json`
 * @property {number} trials that it rests on
 * @property {number} next number of ended trials with which there is a newer one
 * @property {{explained: number, settings: Importance[]}|null} importance
 * @property {string} message why there is no importance; empty if there is
 * @property {GoodRange[]} good_ranges
 */

const REDRAW_MS = 1000; // the least time between two drawings
const REDRAW_MS_A_TRIAL = 5; // a drawing of 1,000 trials takes a browser 100 ms
const FINISHED = new Set(["completed", "stopped", "failed"]);

class SweepAnalysis {
  #host;
  #sweepId;
  /** @type {SweepState|null} */
  #sweep = null;
  /** What was drawn last: it changes when a trial ends. */
  #drawn = "";
  /** What the latest analysis, or the one on its way, was asked for. */
  #asked = "";
  #next = 0; // trials
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #isGone = false;
  #trials = new AllTrials();
  #landscape = new LandscapePanel();
  #matters;
  #note = make("p", "mt-analysis-note", {}, "No trial has ended yet.");
  #box;
  #close;
  #stopWatchingTheme;

  /** @param {HTMLElement} root @param {AnalysisData} data @param {Host} host */
  constructor(root, { sweep, may_act: mayAct }, host) {
    this.#host = host;
    this.#sweepId = sweep;
    this.#matters = new WhatMatters((narrowed) => this.#host.setTriggerValue("narrow", narrowed));
    this.#matters.setMayAct(mayAct);
    const left = make("div", "mt-analysis-left", {}, this.#trials.element, this.#landscape.element);
    this.#box = make("div", "mt-analysis", {}, this.#note, make("div", "mt-analysis-columns", {}, left, this.#matters.element));
    root.append(this.#box);
    this.#showParts(false);
    this.#stopWatchingTheme = onThemeChange(root, () => this.#landscape.draw());
    this.#close = followSweep(sweep, (state) => this.#follow(state));
  }

  /** @param {AnalysisData} data @param {Host} host */
  update({ may_act: mayAct }, host) {
    this.#host = host;
    this.#matters.setMayAct(mayAct);
  }

  destroy() {
    this.#isGone = true;
    clearTimeout(this.#timer);
    forgetDrawing(this.#draw);
    this.#close();
    this.#stopWatchingTheme();
    this.#trials.destroy();
    this.#landscape.destroy();
    this.#box.remove();
  }

  /** @param {SweepState} state */
  #follow(state) {
    this.#sweep = state;
    const key = [state.counts.ended, state.best?.trial, state.status].join();
    if (key === this.#drawn) return;
    const isFirst = this.#drawn === "";
    this.#drawn = key;
    const pause = isFirst ? 0 : Math.max(REDRAW_MS, REDRAW_MS_A_TRIAL * state.trials.length);
    this.#timer ??= setTimeout(() => drawSoon(this.#draw), pause);
    this.#askIfDue(state);
  }

  #draw = () => {
    this.#timer = undefined;
    if (!this.#sweep || this.#isGone) return;
    const judged = judgeTrials(this.#sweep);
    this.#showParts(judged.length > 0);
    if (!judged.length) return;
    this.#trials.show(this.#sweep, judged);
    this.#landscape.show(this.#sweep, judged);
  };

  /** @param {boolean} hasTrials */
  #showParts(hasTrials) {
    this.#note.hidden = hasTrials;
    this.#trials.element.hidden = !hasTrials;
    this.#landscape.setShown(hasTrials);
  }

  /** Ask for the analysis if enough trials have ended since the last one, or all have. @param {SweepState} state */
  #askIfDue({ counts: { ended }, status }) {
    const isFinished = FINISHED.has(status);
    const key = [ended, isFinished].join();
    if (key === this.#asked || (ended < this.#next && !isFinished)) return;
    this.#asked = key;
    this.#next = Infinity; // until it is here
    this.#ask();
  }

  async #ask() {
    try {
      /** @type {Analysis} */
      const analysis = await requestJson("sweep-analysis.json", { sweep: this.#sweepId });
      if (this.#isGone) return;
      this.#next = analysis.next;
      this.#matters.show(analysis);
      this.#landscape.prefer(analysis.importance?.settings.map(({ label }) => label) ?? []);
    } catch (error) {
      if (this.#isGone) return;
      this.#next = 0; // the next trial that ends asks again
      this.#matters.fail(sentenceOf(error));
    }
    if (this.#sweep) this.#askIfDue(this.#sweep);
  }
}

export const mount = mountView(SweepAnalysis, (/** @type {AnalysisData} */ { sweep }) => sweep);
