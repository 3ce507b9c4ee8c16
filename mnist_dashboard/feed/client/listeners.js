/** What listens to the event stream, and the connection that all listeners need together. Pure. */
import { DEFAULT_SMOOTHING } from "../../components/lib/constants.js";

/** @import { AudienceMessage, Run, SweepState } from "../../components/lib/types" */
/** @import { RunSeries } from "./series.js" */

/** @typedef {{state: "connected"|"reconnecting", lastDataAt: number|null}} Connection */

/**
 * @typedef {object} Listener
 * @property {number[]} runs ids whose series it draws
 * @property {number} [smoothing] the connection has one; a component without an opinion leaves it out
 * @property {(series: RunSeries) => void} [onSeries]
 * @property {number} [sweep] number of the search that it shows; the connection has one
 * @property {(message: SweepState, isWhole: boolean) => void} [onSweep] a whole search, or one with the trials that changed
 * @property {(run: Run) => void} [onRun] for every run of the server, not only for `runs`
 * @property {(audience: AudienceMessage) => void} [onAudience]
 * @property {() => void} [onQueue] other runs are queued, or in another order: see `stream.queue`
 * @property {(connection: Connection) => void} [onConnection]
 * @property {boolean} [whileHidden] also in a hidden tab
 * @property {() => void} [onReady] changes of every run arrive from now on; earlier ones may have been missed
 */

/**
 * Query of the address, runs and smoothing of the connection. Of several listeners with an opinion the latest decides.
 * @param {Listener[]} listeners @returns {{query: string, ids: Set<number>, smoothing: number}}
 */
export function neededConnection(listeners) {
  const runs = [...new Set(listeners.flatMap((listener) => listener.runs))].sort((a, b) => a - b);
  const smoothing = listeners.findLast((listener) => listener.smoothing !== undefined)?.smoothing ?? DEFAULT_SMOOTHING;
  const sweep = listeners.findLast((listener) => listener.sweep !== undefined)?.sweep;
  const query = `runs=${runs.join()}&smoothing=${smoothing}${sweep === undefined ? "" : `&sweep=${sweep}`}`;
  return { query, ids: new Set(runs), smoothing };
}
