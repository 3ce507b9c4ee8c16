/**
 * The one sentence below the progress bar: what happened, or what to know now, and at most one remedy. Its place has a fixed
 * height, so that nothing below moves when it comes and goes.
 */
import { make, setAttribute, setText } from "../lib/dom.js";
import { isFinished } from "../lib/runs/status.js";

/**
 * @import { Run } from "../lib/types"
 * @import { IdleRun } from "./texts.js"
 * @typedef {{text: string, tone: string, remedy: {id: string, label: string}|null, cell?: [number, number]|null}} Shown
 */

const FAULTS = ["failed", "diverged", "interrupted"];

/**
 * What to say of a run: the reason for its place in the queue, what was found out about it, why it ended, or a notice.
 * @param {Run|null} run @param {IdleRun|null} idle @returns {Shown|null}
 */
export function sentenceOf(run, idle) {
  if (!run) return idle?.hint ? { text: idle.hint, tone: "progress", remedy: null } : null;
  if (run.status === "queued" && run.queue_position) {
    const text = `Position ${run.queue_position} in the queue${run.after ? `, after ${run.after}` : ""}.`;
    return { text, tone: "progress", remedy: null };
  }
  if (run.sentence) return run.sentence;
  if (run.reason) return { text: run.reason, tone: FAULTS.includes(run.status) ? "fault" : "progress", remedy: null };
  return run.notice ? { text: run.notice, tone: isFinished(run.status) ? "result" : "progress", remedy: null } : null;
}

export class SentenceSlot {
  #icon = make("span", "mt-sentence-icon", { "aria-hidden": "true" });
  #text = make("span", "mt-sentence-text", { role: "status" });
  #label = make("span", "mt-sentence-label");
  #remedy = make("button", "mt-sentence-remedy", { type: "button" }, this.#label, make("span", "mt-sentence-apply", {}, "Apply"));
  #see = make("button", "mt-sentence-remedy", { type: "button" }, "See them");
  element = make("div", "mt-sentence", {}, this.#icon, this.#text, this.#see, this.#remedy);
  #id = "";
  /** @type {[number, number]|null} */
  #cell = null;

  /** @param {(id: string) => void} onRemedy @param {(cell: [number, number]) => void} onSee the images of a cell */
  constructor(onRemedy, onSee) {
    this.#remedy.addEventListener("click", () => {
      this.#remedy.disabled = true; // until the sentence changes: one press is one action
      onRemedy(this.#id);
    });
    this.#see.addEventListener("click", () => { if (this.#cell) onSee(this.#cell); });
    this.paint(null, false);
  }

  /** Let the remedy be pressed again: Python has carried it out. */
  allow() {
    this.#remedy.disabled = false;
  }

  /** @param {Shown|null} shown @param {boolean} mayAct */
  paint(shown, mayAct) {
    const text = shown?.text ?? "";
    if (this.#text.textContent !== text) this.#remedy.disabled = false;
    setText(this.#text, text);
    this.#text.hidden = !text;
    setAttribute(this.element, "data-tone", shown?.tone ?? null);
    const remedy = mayAct ? (shown?.remedy ?? null) : null;
    this.#remedy.hidden = !remedy;
    this.#cell = shown?.cell ?? null;
    this.#see.hidden = !this.#cell;
    this.#id = remedy?.id ?? "";
    setText(this.#label, remedy?.label ?? "");
    const saysApply = remedy?.label.startsWith("Apply");
    // Phones only have room for "Apply".
    setAttribute(this.#remedy, "aria-label", remedy && (saysApply ? remedy.label : `Apply: ${remedy.label}`));
  }
}
