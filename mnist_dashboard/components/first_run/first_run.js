/** Redraws a page that has no runs, or no races, to show as soon as there is one. It draws nothing itself. */
import { stream } from "../../feed/client/stream.js";
import { requestRerun } from "../lib/page/rerun.js";

/**
 * @import { Host } from "../lib/types"
 * @typedef {{in_race: boolean}} FirstRunData whether only runs of races count
 */

class FirstRun {
  #host;
  #subscription;

  /** @param {FirstRunData} data @param {Host} host */
  constructor(data, host) {
    this.#host = host;
    this.#subscription = stream.subscribe({
      runs: [],
      onRun: (run) => {
        if (!run.deleted && !(data.in_race && run.race_id === null)) requestRerun(this.#host, run.status);
      },
    });
  }

  /** @param {unknown} _data @param {Host} host */
  update(_data, host) {
    this.#host = host;
  }

  destroy() {
    this.#subscription.close();
  }
}

/** @param {HTMLElement} _root @param {FirstRunData} data @param {Host} host */
export const mount = (_root, data, host) => new FirstRun(data, host);
