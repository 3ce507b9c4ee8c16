/**
 * The settings that were changed during a run, the latest change first, each with a button to undo it. Live: a change made in
 * another tab or in a terminal appears by itself. The list scrolls, so its height never changes.
 */
import { stream } from "../../feed/client/stream.js";
import { LABELS } from "../lib/constants.js";
import { make } from "../lib/dom.js";
import { describeChange, describeOrigin } from "../lib/runs/interventions.js";

/** @import { Host, Intervention, Run } from "../lib/types" */

/**
 * @typedef {object} ChangeLogData
 * @property {Run} run
 * @property {boolean} can_undo
 * @property {string} you name of the reader in this list
 */

class ChangeLog {
  #data;
  #host;
  #list = make("ol", "mt-changes-list", { tabindex: "0", "aria-label": LABELS.CHANGES });
  #note = make("p", "mt-changes-note");
  #box = make("section", "mt-changes", { "aria-label": LABELS.CHANGES },
    make("h2", "mt-changes-title", {}, LABELS.CHANGES), this.#note, this.#list);
  #subscription;
  #painted = "";

  /** @param {HTMLElement} root @param {ChangeLogData} data @param {Host} host */
  constructor(root, data, host) {
    this.#data = data;
    this.#host = host;
    root.append(this.#box);
    this.#subscription = stream.subscribe({
      runs: [],
      onRun: (run) => {
        if (run.id === this.#data.run.id) this.#paint();
      },
    });
    this.update(data, host);
  }

  /** @param {ChangeLogData} data @param {Host} host */
  update(data, host) {
    this.#data = data;
    this.#host = host;
    stream.addSummary(data.run);
    this.#paint();
  }

  destroy() {
    this.#subscription.close();
    this.#box.remove();
  }

  #paint() {
    const { interventions, earlier_interventions: earlier } = stream.run(this.#data.run.id) ?? this.#data.run;
    const content = JSON.stringify([interventions, earlier, this.#data.can_undo, this.#data.you]);
    if (content === this.#painted) return;
    this.#painted = content;
    const rows = interventions.map((intervention, i) => this.#row(intervention, earlier + i)).toReversed();
    const focused = this.#focusedRow();
    this.#list.replaceChildren(...rows);
    this.#list.hidden = !rows.length;
    this.#note.textContent = this.#noteText(rows.length, earlier);
    this.#box.hidden = !rows.length && !this.#data.can_undo; // nothing was changed, and nothing can be
    if (focused !== null) this.#list.querySelector(`[data-index="${focused}"]`)?.querySelector("button")?.focus();
  }

  /** The number of the change whose button has the focus: a change by somebody else must not take it away. */
  #focusedRow() {
    const row = document.activeElement?.closest(".mt-changes-row");
    return row instanceof HTMLElement && this.#list.contains(row) ? row.dataset.index : null;
  }

  /** @param {number} shown @param {number} earlier */
  #noteText(shown, earlier) {
    if (!shown) return "None so far. This run, at the top left, changes the settings of the run in progress.";
    return earlier ? `The latest ${shown} of ${earlier + shown}.` : "";
  }

  /** @param {Intervention} intervention @param {number} index */
  #row(intervention, index) {
    const text = describeChange(intervention);
    const origin = make("span", "mt-changes-origin", {}, describeOrigin(intervention, this.#data.you));
    const row = make("li", "mt-changes-row", { "data-index": String(index) },
      make("b", "mt-changes-number", {}, String(index + 1)),
      make("span", "", {}, text, " ", origin));
    if (this.#data.can_undo) {
      const undo = make("button", "mt-changes-undo", { type: "button", "aria-label": `Undo ${text}` }, "Undo");
      undo.addEventListener("click", () => this.#host.setTriggerValue("undo", index));
      row.append(undo);
    }
    return row;
  }
}

/** @param {HTMLElement} root @param {ChangeLogData} data @param {Host} host */
export const mount = (root, data, host) => new ChangeLog(root, data, host);
