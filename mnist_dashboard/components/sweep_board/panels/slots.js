/** The slots of this machine: which trials train there, and how far each is. */
import { make, setAttribute, setText } from "../../lib/dom.js";

/** @import { SweepState, Trial } from "../../lib/types" */

const ACTIVE = ["queued", "preparing", "running", "paused", "stopping"];

/** @type {Record<Trial["role"], string>} */
export const ROLE_LABELS = { search: "Trial", winner: "Winner", baseline: "Defaults", compared: "Your settings" };

/** @typedef {{slot: HTMLElement, name: HTMLAnchorElement, bar: HTMLElement, fill: HTMLElement}} Slot */

export class Slots {
  #count = make("span", "mt-board-aside");
  #list = make("ul", "mt-slots-list");
  element = make("section", "mt-slots", { "aria-label": "This machine" },
    make("div", "mt-slots-head", {}, make("b", "", {}, "This machine"), this.#count), this.#list);
  /** @type {Slot[]} */
  #slots = [];

  /** @param {SweepState} sweep */
  show(sweep) {
    const running = sweep.trials.filter(({ status }) => status === "running");
    const isActive = ["running", "paused", "stopping"].includes(sweep.status);
    this.element.hidden = !isActive && !running.length;
    const busy = running.reduce((sum, { runs }) => sum + Math.max(1, runs.filter(({ status }) => ACTIVE.includes(status)).length), 0);
    const free = Math.max(0, sweep.workers - busy);
    setText(this.#count, `${sweep.workers} slot${sweep.workers === 1 ? "" : "s"}${sweep.status === "paused" ? ", paused" : ""}`);
    const shown = [...running, ...Array.from({ length: free }, () => null)];
    while (this.#slots.length < shown.length) this.#slots.push(this.#add());
    for (const { slot } of this.#slots.splice(shown.length)) slot.remove();
    shown.forEach((trial, i) => paintSlot(this.#slots[i], trial));
  }

  #add() {
    const name = make("a", "mt-slots-name", { target: "_self" });
    const fill = make("i");
    const bar = make("div", "mt-slots-bar", { "aria-valuemin": "0", "aria-valuemax": "100" }, fill);
    const slot = make("li", "mt-slots-slot", {}, name, bar);
    this.#list.append(slot);
    return { slot, name, bar, fill };
  }
}

/** @param {Slot} slot @param {Trial|null} trial null for a free one */
function paintSlot({ slot, name, bar, fill }, trial) {
  const title = trial ? `${ROLE_LABELS[trial.role]}${trial.role === "search" ? ` ${trial.number}` : ""}` : "Free";
  const run = trial?.runs.find(({ status }) => ACTIVE.includes(status)) ?? trial?.runs[0];
  setText(name, title);
  setAttribute(name, "href", run ? `./?run=${run.id}` : null);
  setAttribute(slot, "data-free", trial ? null : "");
  const done = trial?.total_steps ? Math.min(1, trial.step / trial.total_steps) : 0;
  fill.style.transform = `scaleX(${done})`;
  setAttribute(bar, "role", trial ? "progressbar" : null);
  setAttribute(bar, "aria-label", trial && `Progress of ${title.toLowerCase()}`);
  setAttribute(bar, "aria-valuenow", trial && String(Math.round(100 * done)));
}
