/**
 * The queued runs, in the order they will start: a button in the frame of every page that opens a list, and a line in the
 * sidebar that opens the same list. Live: a run that somebody else queues, moves or removes shows without a rerun of the page.
 */
import { stream } from "../../feed/client/stream.js";
import { make, setAttribute, setText } from "../lib/dom.js";
import { describeSettings, moveRequest, queueLine } from "./queue_model.js";

/** @import { Host, Run } from "../lib/types" */
/** @import { Request } from "./queue_model.js" */

const LIST_ID = "mt-queue-list";

/** @typedef {{shape: "button"|"line", may_act: boolean, problem: string}} QueueData */

/** @typedef {{item: HTMLElement, place: HTMLElement, name: HTMLElement, settings: HTMLElement, buttons: HTMLButtonElement[]}} Row */

/** The queued runs whose summaries have arrived. */
const queuedRuns = () => stream.queue.map((id) => stream.run(id)).filter((run) => run !== undefined);

class QueueButton {
  #data;
  #host;
  #subscription;
  #count = make("span", "mt-queue-count");
  #button = make("button", "mt-queue-open", { type: "button", popovertarget: LIST_ID }, "Queue", this.#count);
  #list = make("ol", "mt-queue-runs");
  #empty = make("p", "mt-queue-empty");
  #done = make("span", "", { role: "status" });
  #undo = make("button", "mt-queue-undo", { type: "button", hidden: "" }, "Undo");
  #panel = make("div", "mt-queue-panel", { id: LIST_ID, popover: "auto", tabindex: "-1", role: "dialog", "aria-label": "Queue" },
    make("h2", "mt-queue-title", {}, "Queue"),
    this.#empty,
    this.#list,
    make("div", "mt-queue-foot", {}, this.#done, this.#undo));
  #box = make("div", "mt-queue", {}, this.#button, this.#panel);
  /** @type {Map<number, Row>} by id of the run */
  #rows = new Map();
  /** @type {Request|null} */
  #undoing = null;

  /** @param {HTMLElement} root @param {QueueData} data @param {Host} host */
  constructor(root, data, host) {
    this.#data = data;
    this.#host = host;
    root.append(this.#box);
    this.#undo.addEventListener("click", () => this.#undoLast());
    this.#subscription = stream.subscribe({ runs: [], onQueue: () => this.#paint(), onRun: (run) => this.#onRun(run) });
    this.#paint();
  }

  /** @param {QueueData} data @param {Host} host */
  update(data, host) {
    this.#data = data;
    this.#host = host;
    if (data.problem) this.#report(data.problem, null);
    this.#paint();
  }

  destroy() {
    this.#subscription.close();
    this.#box.remove();
  }

  /** @param {Run} run */
  #onRun(run) {
    if (stream.queue.includes(run.id)) this.#paint();
  }

  #paint() {
    const runs = queuedRuns();
    setText(this.#count, runs.length ? ` (${runs.length})` : "");
    setAttribute(this.#button, "aria-label", runs.length ? `Queue, ${runs.length} waiting` : "Queue, empty");
    setText(this.#empty, runs.length ? "" : "No run is waiting.");
    const focused = document.activeElement;
    const rows = runs.map((run, i) => this.#row(run, i, runs.length));
    for (const id of this.#rows.keys()) if (!stream.queue.includes(id)) this.#rows.delete(id);
    if (rows.length !== this.#list.childElementCount || rows.some((row, i) => row !== this.#list.children[i])) {
      this.#list.replaceChildren(...rows);
    }
    // Moving an element takes the focus off it, and a button that is disabled loses it.
    if (focused instanceof HTMLButtonElement && focused !== document.activeElement && focused.isConnected) {
      const inReach = focused.disabled ? focused.parentElement?.querySelector("button:enabled") : focused;
      if (inReach instanceof HTMLElement) inReach.focus();
    }
  }

  /** @param {Run} run @param {number} index @param {number} length of the queue */
  #row(run, index, length) {
    const row = this.#rows.get(run.id) ?? this.#addRow(run);
    setText(row.place, String(index + 1));
    setText(row.name, run.name);
    setText(row.settings, describeSettings(run.settings));
    const [up, down, remove] = row.buttons;
    for (const element of row.buttons) element.hidden = !this.#data.may_act;
    up.disabled = index === 0;
    down.disabled = index === length - 1;
    setAttribute(up, "aria-label", `Move ${run.name} up`);
    setAttribute(down, "aria-label", `Move ${run.name} down`);
    setAttribute(remove, "aria-label", `Remove ${run.name}`);
    return row.item;
  }

  /** @param {Run} run */
  #addRow(run) {
    const place = make("span", "mt-queue-place");
    const name = make("b", "");
    const settings = make("span", "mt-queue-settings");
    const buttons = [
      button("↑", "Move up", () => this.#move(run.id, "up")),
      button("↓", "Move down", () => this.#move(run.id, "down")),
      button("×", "Remove", () => this.#remove(run.id)),
    ];
    const item = make("li", "mt-queue-row", {}, place, make("div", "", {}, name, settings), ...buttons);
    const row = { item, place, name, settings, buttons };
    this.#rows.set(run.id, row);
    return row;
  }

  /** @param {number} id @param {"up"|"down"} direction */
  #move(id, direction) {
    const requests = moveRequest(stream.queue, id, direction);
    if (requests) this.#send(requests.request, `${stream.run(id)?.name} moved ${direction}.`, requests.undo);
  }

  /** @param {number} id */
  #remove(id) {
    this.#send({ do: "remove", run: id }, `${stream.run(id)?.name} removed.`, { do: "return", run: id });
    this.#undo.focus();
  }

  #undoLast() {
    if (this.#undoing) this.#send(this.#undoing, `${stream.run(this.#undoing.run)?.name} is back.`, null);
    this.#panel.focus();
  }

  /** @param {Request} request @param {string} done @param {Request|null} undo */
  #send(request, done, undo) {
    this.#report(done, undo);
    this.#host.setTriggerValue("act", request);
  }

  /** @param {string} text @param {Request|null} undo */
  #report(text, undo) {
    setText(this.#done, text);
    this.#undoing = undo;
    this.#undo.hidden = undo === null;
  }
}

/** @param {string} sign @param {string} title @param {() => void} onClick */
function button(sign, title, onClick) {
  const made = make("button", "mt-queue-button", { type: "button", title }, sign);
  made.addEventListener("click", onClick);
  return made;
}

class QueueLine {
  #button = make("button", "mt-queue-line", { type: "button", title: "Show the queue" });
  #subscription;

  /** @param {HTMLElement} root */
  constructor(root) {
    root.append(this.#button);
    this.#button.addEventListener("click", () => document.getElementById(LIST_ID)?.showPopover());
    this.#subscription = stream.subscribe({ runs: [], onQueue: () => this.update(), onRun: () => this.update() });
    this.update();
  }

  update() {
    const text = queueLine(queuedRuns().map((run) => run.name));
    setText(this.#button, text);
    if (this.#button.hidden !== !text) this.#button.hidden = !text; // to set it again costs a frame
  }

  destroy() {
    this.#subscription.close();
    this.#button.remove();
  }
}

/** @param {HTMLElement} root @param {QueueData} data @param {Host} host */
export const mount = (root, data, host) => (data.shape === "line" ? new QueueLine(root) : new QueueButton(root, data, host));
