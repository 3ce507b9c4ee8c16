/**
 * The strip of a search: its numbers, how far it is, and one sentence. It requests a rerun when the status of the search changes:
 * the buttons must follow.
 */
import { followSweep } from "../../feed/client/sweeps.js";
import { stream } from "../../feed/client/stream.js";
import { LABELS } from "../lib/constants.js";
import { setAttribute, setText } from "../lib/dom.js";
import { drawSoon, forgetDrawing } from "../lib/drawing.js";
import { formatDuration } from "../lib/format.js";
import { Renewal, requestRerun } from "../lib/page/rerun.js";
import { statusLabel } from "../lib/runs/status.js";
import { SentenceSlot } from "../status_strip/sentence.js";
import { buildStrip } from "../status_strip/skeleton.js";
import { BEST_LABELS, CELLS, cellTexts, sentenceOf, shareDone, winnerAccuracy } from "./strip_texts.js";

/** @import { Host, SweepState } from "../lib/types" */
/** @typedef {{sweep: number, name: string, status: string, may_act: boolean}} StripData as Python drew the page */

const REPEAT_MS = 2000; // a request during another rerun can get lost
const LONG_NAME = 18; // characters that fit beside the status

class SweepStrip {
  #data;
  #host;
  /** @type {SweepState|null} */
  #sweep = null;
  #sentence = new SentenceSlot(() => this.#apply(), () => {});
  #elements = buildStrip(CELLS, { about: "Search status", progress: "Progress of the search", sentence: this.#sentence.element });
  #unfollow = () => {};
  #subscription;
  #renewal = new Renewal();
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #requesting;

  /** @param {HTMLElement} root @param {StripData} data @param {Host} host */
  constructor(root, data, host) {
    this.#data = data;
    this.#host = host;
    root.append(this.#elements.strip);
    this.#subscription = stream.subscribe({
      runs: [],
      onConnection: ({ state }) => {
        this.#renewal.follow(state, this.#host);
        this.#paint();
      },
    });
    this.#follow();
    this.#paint();
  }

  /** @param {StripData} data @param {Host} host */
  update(data, host) {
    const isOther = data.sweep !== this.#data.sweep;
    this.#data = data;
    this.#host = host;
    this.#renewal.stop();
    this.#sentence.allow();
    if (isOther) this.#follow();
    this.#followStatus();
    this.#paint();
  }

  destroy() {
    forgetDrawing(this.#paint);
    clearTimeout(this.#requesting);
    this.#renewal.stop();
    this.#unfollow();
    this.#subscription.close();
    this.#elements.strip.remove();
  }

  #follow() {
    this.#unfollow();
    this.#sweep = null;
    this.#unfollow = followSweep(this.#data.sweep, (sweep) => {
      this.#sweep = sweep;
      this.#followStatus();
      drawSoon(this.#paint);
    });
  }

  /** Request a rerun until Python has drawn the page for the present status. */
  #followStatus() {
    clearTimeout(this.#requesting);
    const status = this.#sweep?.status;
    if (!status || status === this.#data.status) return;
    requestRerun(this.#host, status);
    this.#requesting = setTimeout(() => this.#followStatus(), REPEAT_MS);
  }

  #apply() {
    const best = this.#sweep?.trials.find(({ number }) => number === this.#sweep?.best?.trial);
    if (best) this.#host.setTriggerValue("apply", best.values);
  }

  #paint = () => {
    const { strip, badge, name, detail, values, bar, fill } = this.#elements;
    const sweep = this.#sweep;
    const status = sweep?.status ?? this.#data.status;
    const title = sweep?.name ?? this.#data.name;
    setAttribute(strip, "data-status", status);
    setAttribute(strip, "data-stale", stream.connection.state === "reconnecting" ? "" : null);
    setAttribute(strip, "data-long", title.length > LONG_NAME ? "" : null);
    setText(badge, statusLabel(status));
    setText(name, title);
    setText(detail, stream.connection.state === "reconnecting" ? "Reconnecting" : (sweep?.detail ?? ""));
    cellTexts(sweep).forEach(([text, unit], i) => {
      setText(values[i].number, text);
      setText(values[i].unit, unit ?? "");
    });
    const isTested = winnerAccuracy(sweep) !== null;
    setText(values[4].label, BEST_LABELS[sweep?.objective ?? "accuracy"]);
    setText(values[7].label, isTested ? LABELS.TEST : CELLS[7]);
    setAttribute(strip, "data-tested", isTested ? "" : null);
    const done = shareDone(sweep);
    fill.style.transform = `scaleX(${done})`;
    const percent = `${Math.round(100 * done)} %`;
    setAttribute(bar, "aria-valuenow", String(Math.round(100 * done)));
    setAttribute(bar, "aria-valuetext", sweep?.left ? `${percent}, about ${formatDuration(sweep.left)} left` : percent);
    this.#sentence.paint(sentenceOf(sweep), this.#data.may_act);
  };
}

/** @param {HTMLElement} root @param {StripData} data @param {Host} host */
export const mount = (root, data, host) => new SweepStrip(root, data, host);
