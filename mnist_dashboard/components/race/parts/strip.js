/**
 * The strip of a race. It asks for a rerun when a lane changes its status: the buttons must follow.
 */
import { stream } from "../../../feed/client/stream.js";
import { LABELS } from "../../lib/constants.js";
import { setAttribute, setText } from "../../lib/dom.js";
import { formatDuration } from "../../lib/format.js";
import { Renewal, requestRerun } from "../../lib/page/rerun.js";
import { statusLabel } from "../../lib/runs/status.js";
import { SentenceSlot } from "../../status_strip/sentence.js";
import { buildStrip } from "../../status_strip/skeleton.js";
import { CELLS, cellTexts, haveSameSteps, orderLanes, raceProgress, raceStatus, secondsLeft, sentenceOn } from "../model/standing.js";

/**
 * @import { Run } from "../../lib/types"
 * @import { Shown } from "../race.js"
 */

const COLLECT_MS = 200; // lanes begin and end within a moment of each other: one rerun for all
const REPEAT_MS = 2000;
const APPLY = { id: "leader", label: "Apply the leader to the sliders" };

/** The part of lanes that decides which buttons Python draws. @param {Run[]} runs */
const stateOf = (runs) => runs.map(({ id, attempt, status }) => `${id}/${attempt}/${status}`).join();

export class RaceStrip {
  #shown;
  #sentence;
  #elements;
  #renewal = new Renewal();
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #requesting;
  #newest = 0; // race for which a rerun was requested

  /** @param {HTMLElement} root @param {() => Shown} shown */
  constructor(root, shown) {
    this.#shown = shown;
    this.#sentence = new SentenceSlot(() => {
      const { data, standing, host } = shown();
      host.setTriggerValue("apply", orderLanes(data.lanes, standing.moments)[0].id);
    }, () => {});
    this.#elements = buildStrip(CELLS, { about: "Race status", progress: "Race progress", sentence: this.#sentence.element });
    root.append(this.#elements.strip);
  }

  destroy() {
    clearTimeout(this.#requesting);
    this.#renewal.stop();
    this.#elements.strip.remove();
  }

  /** Python has drawn the page. */
  drawnAnew() {
    this.#renewal.stop();
    this.#sentence.allow();
    clearTimeout(this.#requesting);
    this.#requesting = undefined;
    this.follow();
  }

  follow() {
    this.#renewal.follow(stream.connection.state, this.#shown().host);
    if (this.#isOutdated()) this.#requesting ??= setTimeout(() => this.#request(), COLLECT_MS);
  }

  /** Request a rerun until the page has followed: a request during another rerun can get lost. */
  #request() {
    const { host, runs, newest } = this.#shown();
    this.#requesting = undefined;
    if (!this.#isOutdated()) return;
    if (requestRerun(host, stateOf(runs))) this.#newest = newest;
    this.#requesting = setTimeout(() => this.#request(), REPEAT_MS);
  }

  #isOutdated() {
    const { data, runs, newest } = this.#shown();
    if (data.follows && newest > Math.max(data.id, this.#newest)) return true;
    return runs.length === data.runs.length && stateOf(runs) !== stateOf(data.runs);
  }

  paint() {
    const { data, runs, standing } = this.#shown();
    const { strip, swatch, badge, name, detail, values, bar, fill } = this.#elements;
    const status = raceStatus(runs, data.statuses);
    const isStale = stream.connection.state === "reconnecting";
    setAttribute(strip, "data-status", status);
    setAttribute(strip, "data-stale", isStale ? "" : null);
    const color = this.#leaderColor();
    if (swatch.dataset.lane !== color) swatch.dataset.lane = color;
    setText(badge, statusLabel(status));
    setText(name, data.name);
    setText(detail, isStale ? "Reconnecting" : data.detail);
    const hasLeader = standing.moments.length > 0 && !standing.is_level;
    this.#sentence.paint({ ...sentenceOn(data.lanes, runs, standing, status), remedy: hasLeader ? APPLY : null }, data.may_act);
    if (!runs.length) return;
    cellTexts(data.lanes, runs, standing).forEach(([text, unit], i) => {
      setText(values[i].number, text);
      setText(values[i].unit, unit ?? "");
    });
    setText(values[0].label, haveSameSteps(runs) ? LABELS.STEP : LABELS.EPOCH);
    const done = raceProgress(runs);
    const left = secondsLeft(runs);
    fill.style.transform = `scaleX(${done})`;
    setAttribute(bar, "aria-valuenow", String(Math.round(100 * done)));
    setAttribute(bar, "aria-valuetext", `${Math.round(100 * done)} %${left === null ? "" : `, ${formatDuration(left)} left`}`);
  }

  /** @returns {string} the colour of the lane in front, or of none */
  #leaderColor() {
    const { data, standing } = this.#shown();
    const leader = data.lanes.find(({ id }) => id === standing.moments.at(-1)?.leader);
    return leader ? String(leader.color) : "";
  }
}
