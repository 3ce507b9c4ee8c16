/**
 * What a page knows of a race: the summaries and curves of its lanes from the stream, and who was in front at which moment, which
 * the server computes after each evaluation. One for all parts of the page that show the same race.
 */
import { stream } from "../../feed/client/stream.js";
import { requestJson } from "../lib/evaluations/requests.js";
import { NO_STANDING } from "./model/standing.js";

/**
 * @import { Run } from "../lib/types"
 * @import { Standing } from "./model/standing.js"
 */

const COLLECT_MS = 150; // lanes are evaluated one after the other: one request for all
const RETRY_MS = 3000;

/** @type {Map<string, RaceState>} by the ids of the lanes */
const races = new Map();

class RaceState {
  /** @type {Standing} */
  standing = NO_STANDING;
  /** The newest race of which a lane has changed since the page was opened; 0 for none. */
  newest = 0;
  /** @type {Set<() => void>} */
  #listeners = new Set();
  #ids;
  #key;
  #subscription;
  #known = ""; // evaluations and states for which the standing was requested
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #waiting;
  #isClosed = false;
  #requests = 0;
  #answered = 0; // number of the request whose response is shown

  /** @param {number[]} ids */
  constructor(ids) {
    this.#ids = ids;
    this.#key = ids.join();
    this.#subscription = stream.subscribe({
      runs: ids,
      onSeries: () => this.#onNews(),
      onRun: (run) => {
        const isNewer = !run.deleted && (run.race_id ?? 0) > this.newest;
        if (isNewer) this.newest = run.race_id ?? 0;
        if (ids.includes(run.id) || isNewer) this.#onNews();
      },
      onConnection: () => this.#report(),
    });
    this.#loadSoon(0);
  }

  /** The newest summaries of the lanes. @returns {Run[]} */
  get runs() {
    return this.#ids.flatMap((id) => stream.run(id) ?? []);
  }

  /** @param {() => void} listener @returns {() => void} ends it */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (!this.#listeners.size) this.#close();
    };
  }

  /** @param {number} smoothing */
  setSmoothing(smoothing) {
    this.#subscription.change({ smoothing });
  }

  #close() {
    this.#isClosed = true;
    clearTimeout(this.#waiting);
    this.#subscription.close();
    races.delete(this.#key);
  }

  #onNews() {
    const evaluations = this.#ids.map((id) => stream.series(id)?.evaluations.length ?? 0);
    const news = `${evaluations.join()} ${this.runs.map(({ status, attempt }) => `${status}${attempt}`).join()}`;
    if (news !== this.#known) {
      this.#known = news;
      this.#loadSoon(COLLECT_MS);
    }
    this.#report();
  }

  /** @param {number} ms */
  #loadSoon(ms) {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.#load(), ms);
  }

  async #load() {
    const number = ++this.#requests;
    try {
      const standing = await requestJson("race.json", { runs: this.#key });
      if (number > this.#answered) {
        this.#answered = number;
        this.standing = standing;
      }
    } catch (error) {
      console.warn("MNIST Trainer: the standing of the race could not be loaded.", error);
      if (!this.#isClosed) this.#loadSoon(RETRY_MS);
    }
    this.#report();
  }

  #report() {
    for (const listener of this.#listeners) listener();
  }
}

/** The race with these lanes. @param {number[]} ids @returns {RaceState} */
export function raceOf(ids) {
  const key = ids.join();
  const race = races.get(key) ?? new RaceState(ids);
  races.set(key, race);
  return race;
}
