/**
 * The list of settings that were changed while the run was going, the newest first, each with a way to undo it. Live, like
 * everything else: a change made in another tab or in a terminal shows up by itself.
 */
import { make } from "../lib/dom.js";
import { originOf, sentenceOf } from "../lib/runs/interventions.js";
import { stream } from "../../feed/client/stream.js";

/**
 * @typedef {object} ChangesData
 * @property {object} run summary, as in the stream's `run` event
 * @property {boolean} can_undo
 * @property {string} you what the reader is called in this list
 */

class Changes {
  #data;
  #host;
  #box;
  #subscription;
  #shown = "";

  constructor(root, data, host) {
    this.#box = root.appendChild(make("section", "mt-changes", { "aria-label": "Changes during this run" }));
    this.#subscription = stream.subscribe({ runs: [], onRun: (run) => run.id === this.#data.run.id && this.#paint() });
    this.update(data, host);
  }

  /** @param {ChangesData} data */
  update(data, host) {
    this.#data = data;
    this.#host = host;
    stream.offer(data.run);
    this.#paint();
  }

  destroy() {
    this.#subscription.close();
    this.#box.remove();
  }

  #paint() {
    const run = stream.run(this.#data.run.id) ?? this.#data.run;
    const shown = JSON.stringify([run.interventions, this.#data.can_undo, this.#data.you]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const rows = run.interventions.map((one, i) => this.#row(one, i)).toReversed();
    this.#box.replaceChildren(...(rows.length ? [make("h3", "mt-changes-title", {}, "Changes during this run"), ...rows] : []));
  }

  #row(one, index) {
    const text = sentenceOf(one);
    const row = make("div", "mt-changes-row", {},
      make("b", "mt-changes-number", {}, String(index + 1)),
      make("span", "", {}, text, " ", make("span", "mt-changes-origin", {}, originOf(one, this.#data.you))));
    if (this.#data.can_undo) {
      const undo = make("button", "mt-changes-undo", { type: "button", "aria-label": `Undo ${text}` }, "Undo");
      undo.addEventListener("click", () => this.#host.setTriggerValue("undo", index));
      row.append(undo);
    }
    return row;
  }
}

export const mount = (root, data, host) => new Changes(root, data, host);
