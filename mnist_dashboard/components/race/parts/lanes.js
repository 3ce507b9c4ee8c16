/** The lanes of a race, the leader first. Rows keep their places while the pointer or the focus is in them. */
import { stream } from "../../../feed/client/stream.js";
import { make, setAttribute, setText } from "../../lib/dom.js";
import { MISSING, formatLoss, formatPercent, isNumber } from "../../lib/format.js";
import { isFinished } from "../../lib/runs/status.js";
import { barFloor, orderLanes, placeText } from "../model/standing.js";

/**
 * @import { Run } from "../../lib/types"
 * @import { RaceData, Shown } from "../race.js"
 * @typedef {RaceData["lanes"][number]} Lane
 */

export class RaceLanes {
  #shown;
  #list = make("ol", "mt-lanes", { "aria-label": "Lanes, the leader first" });
  #note = make("p", "mt-lanes-note");
  /** @type {Map<number, LaneRow>} by the number of the run */
  #rows = new Map();
  #closeMenus = new AbortController();

  /** @param {HTMLElement} root @param {() => Shown} shown */
  constructor(root, shown) {
    this.#shown = shown;
    root.append(this.#list, this.#note);
    const { signal } = this.#closeMenus;
    document.addEventListener("pointerdown", ({ target }) => {
      for (const row of this.#rows.values()) if (!(target instanceof Node && row.element.contains(target))) row.setOpen(false);
    }, { signal });
    for (const type of ["pointerleave", "focusout"]) this.#list.addEventListener(type, () => setTimeout(() => this.paint()), { signal });
  }

  destroy() {
    this.#closeMenus.abort();
    this.#list.remove();
    this.#note.remove();
  }

  drawnAnew() {
    const { data } = this.#shown();
    const ids = data.lanes.map(({ id }) => id);
    for (const [id, row] of this.#rows) {
      if (ids.includes(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    for (const lane of data.lanes) {
      if (!this.#rows.has(lane.id)) this.#rows.set(lane.id, new LaneRow((name) => this.#shown().host.setTriggerValue(name, lane.id)));
    }
  }

  follow() {}

  paint() {
    const { data, runs, standing } = this.#shown();
    const ordered = orderLanes(data.lanes, standing.moments);
    const isHeld = this.#list.matches(":hover, :focus-within");
    const accuracies = standing.moments.at(-1)?.accuracies ?? {};
    const floor = barFloor(Object.values(accuracies));
    ordered.forEach((lane, place) => {
      const row = this.#rows.get(lane.id);
      if (!row) return;
      const run = runs.find(({ id }) => id === lane.id);
      const accuracy = accuracies[lane.id] ?? run?.validation_accuracy ?? null;
      const share = isNumber(accuracy) ? Math.max(0, (accuracy - floor) / (1 - floor)) : 0;
      const text = placeText(lane, ordered, standing, run);
      row.paint(lane, run, { place: standing.moments.length ? String(place + 1) : MISSING, accuracy, share, text, mayAct: data.may_act });
      const element = this.#list.children[place];
      if (element !== row.element && !(isHeld && row.element.isConnected)) this.#list.insertBefore(row.element, element ?? null);
    });
    setText(this.#note, standing.moments.length && floor ? `Bars begin at ${100 * floor}\u202f% of the validation images right.` : "");
  }
}

class LaneRow {
  #place = make("span", "mt-lane-place");
  #name = make("a", "mt-lane-name");
  #loss = make("span", "mt-lane-loss");
  #fill = make("i", "mt-lane-fill");
  #accuracy = make("span", "mt-lane-accuracy");
  #text = make("span", "mt-lane-text");
  #more = make("button", "mt-lane-more", { type: "button", "aria-expanded": "false" }, "⋯");
  #apply = make("button", "", { type: "button" }, "Apply to the sliders");
  #stop = make("button", "", { type: "button" }, "Stop this lane");
  #menu = make("div", "mt-lane-menu", { hidden: "" }, this.#apply, this.#stop);
  element = make("li", "mt-lane", {}, this.#place, make("span", "mt-lane-names", {}, this.#name, this.#loss),
    make("span", "mt-lane-track", { "aria-hidden": "true" }, this.#fill), this.#accuracy, this.#text,
    make("span", "mt-lane-actions", {}, this.#more, this.#menu));

  /** @param {(name: "apply"|"stop"|"open") => void} onAct */
  constructor(onAct) {
    this.#name.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
      event.preventDefault();
      onAct("open");
    });
    this.#more.addEventListener("click", () => this.setOpen(Boolean(this.#menu.hidden)));
    this.#apply.addEventListener("click", () => this.#act(onAct, "apply"));
    this.#stop.addEventListener("click", () => this.#act(onAct, "stop"));
    this.element.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** @param {boolean} isOpen */
  setOpen(isOpen) {
    this.#menu.hidden = !isOpen;
    setAttribute(this.#more, "aria-expanded", String(isOpen));
  }

  /** @param {(name: "apply"|"stop") => void} onAct @param {"apply"|"stop"} name */
  #act(onAct, name) {
    this.setOpen(false);
    this.#more.focus();
    onAct(name);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const entries = [this.#apply, this.#stop].filter((entry) => !entry.hidden);
    const at = entries.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    if (event.key === "Escape" && !this.#menu.hidden) {
      this.setOpen(false);
      this.#more.focus();
    } else if (event.key === "ArrowDown" && (document.activeElement === this.#more || at >= 0)) {
      this.setOpen(true);
      entries[(at + 1) % entries.length].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      entries.at(at - 1)?.focus();
    } else {
      return;
    }
    event.preventDefault();
  }

  /**
   * @param {Lane} lane @param {Run|undefined} run
   * @param {{place: string, accuracy: number|null, share: number, text: string, mayAct: boolean}} shown
   */
  paint(lane, run, { place, accuracy, share, text, mayAct }) {
    const loss = run ? (stream.series(run.id)?.recentMean("loss") ?? run.loss) : null;
    setAttribute(this.element, "data-lane", String(lane.color));
    setAttribute(this.element, "title", run?.reason || null);
    setText(this.#place, place);
    setText(this.#name, lane.name);
    setAttribute(this.#name, "href", lane.link);
    setAttribute(this.#name, "title", run ? `Open ${run.name}` : null);
    setText(this.#loss, `loss ${formatLoss(loss)}`);
    this.#fill.style.width = `${100 * share}%`;
    setText(this.#accuracy, formatPercent(accuracy));
    setText(this.#text, text);
    setAttribute(this.#text, "data-leads", text === "leads" ? "" : null);
    setAttribute(this.#more, "aria-label", `Actions on ${lane.name}`);
    this.#more.hidden = !mayAct;
    this.#stop.hidden = !run || isFinished(run.status) || run.status === "interrupted";
  }
}
