/**
 * A race, live, in three parts, between which Python draws buttons: the strip with its numbers and one sentence, the lanes with the
 * leader first, and the charts. All parts of a page share what they know of the race.
 */
import { stream } from "../../feed/client/stream.js";
import { drawSoon, forgetDrawing } from "../lib/drawing.js";
import { RaceCharts } from "./parts/charts.js";
import { RaceLanes } from "./parts/lanes.js";
import { RaceStrip } from "./parts/strip.js";
import { raceOf } from "./race_state.js";

/**
 * @import { Host, Run } from "../lib/types"
 * @import { Standing } from "./model/standing.js"
 * @typedef {object} RaceData what Python passes to the component
 * @property {"strip"|"lanes"|"charts"} part
 * @property {number} id
 * @property {string} name of the race
 * @property {string} detail
 * @property {{id: number, name: string, color: number, link: string}[]} lanes called by what differs
 * @property {Run[]} runs their summaries
 * @property {string[]} statuses of runs, the one first that says most about a race
 * @property {number} smoothing
 * @property {boolean} follows whether the page moves on to a newer race
 * @property {boolean} may_act
 * @typedef {{data: RaceData, host: Host, runs: Run[], standing: Standing, newest: number}} Shown `runs` are the newest summaries,
 *   and `newest` is the newest race
 */

const PARTS = { strip: RaceStrip, lanes: RaceLanes, charts: RaceCharts };

class RacePart {
  #data;
  #host;
  #part;
  #race;
  #leave;

  /** @param {HTMLElement} root @param {RaceData} data @param {Host} host */
  constructor(root, data, host) {
    this.#data = data;
    this.#host = host;
    this.#part = new PARTS[data.part](root, () => this.#shown());
    this.#race = raceOf(data.lanes.map(({ id }) => id));
    this.#leave = this.#race.subscribe(this.#onNews);
    this.update(data, host);
  }

  /** @param {RaceData} data @param {Host} host */
  update(data, host) {
    const ids = data.lanes.map(({ id }) => id);
    if (ids.join() !== this.#data.lanes.map(({ id }) => id).join()) {
      const leave = this.#leave;
      this.#race = raceOf(ids);
      this.#leave = this.#race.subscribe(this.#onNews);
      leave();
    }
    this.#data = data;
    this.#host = host;
    for (const run of data.runs) stream.addSummary(run);
    if (data.part === "charts") this.#race.setSmoothing(data.smoothing);
    this.#part.drawnAnew();
    this.#paint();
  }

  destroy() {
    this.#leave();
    forgetDrawing(this.#paint);
    this.#part.destroy();
  }

  /** @returns {Shown} */
  #shown() {
    return { data: this.#data, host: this.#host, runs: this.#race.runs, standing: this.#race.standing, newest: this.#race.newest };
  }

  #onNews = () => {
    this.#part.follow();
    drawSoon(this.#paint);
  };

  #paint = () => this.#part.paint();
}

/** @param {HTMLElement} root @param {RaceData} data @param {Host} host */
export const mount = (root, data, host) => new RacePart(root, data, host);
