/** Reruns the page when the state of a selected run changes, because the page offers actions on these runs. */
import { requestRerun } from "../lib/page/rerun.js";

/** @import { ListedRun } from "../../feed/client/run_list.js" */
/** @import { Host } from "../lib/types" */

export class StateFollower {
  /** @type {Map<number, string>} by id of the run, the state for which a rerun was requested */
  #requested = new Map();

  /** @param {ListedRun} run @param {Record<string, string>} known attempt and status, as the page was drawn @param {Host} host */
  follow(run, known, host) {
    const drawn = known[run.id];
    const state = run.deleted ? "deleted" : `${run.attempt}/${run.status}`;
    if (drawn === undefined || drawn === state) {
      this.#requested.delete(run.id); // it may change to the same state again
    } else if (this.#requested.get(run.id) !== state && requestRerun(host, `${run.id}/${state}`)) {
      this.#requested.set(run.id, state);
    }
  }
}
