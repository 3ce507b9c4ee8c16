/** Searches, kept up to date by the stream: each once, however many components of the page show it. */
import { stream } from "./stream.js";
import { applyChange } from "./sweep_state.js";

/** @import { SweepState } from "../../components/lib/types" */
/** @typedef {(sweep: SweepState) => void} SweepListener called with the whole search */

/** @typedef {{state: SweepState|null, listeners: Set<SweepListener>, close: () => void}} Followed */

/** @type {Map<number, Followed>} by number of the search */
const followed = new Map();

/**
 * Call back with a search, once it has arrived and after every change. Trials that have not changed stay the same objects.
 * @param {number} id @param {SweepListener} listener
 * @returns {() => void} ends it
 */
export function followSweep(id, listener) {
  const entry = followed.get(id) ?? open(id);
  entry.listeners.add(listener);
  if (entry.state) listener(entry.state);
  return () => {
    entry.listeners.delete(listener);
    if (entry.listeners.size || followed.get(id) !== entry) return;
    entry.close();
    followed.delete(id);
  };
}

/** The latest state of a search that is followed. @param {number} id */
export function latestSweep(id) {
  return followed.get(id)?.state ?? null;
}

/** @param {number} id @returns {Followed} */
function open(id) {
  const subscription = stream.subscribe({
    runs: [],
    sweep: id,
    onSweep: (message, isWhole) => {
      if (!isWhole && !entry.state) return; // a change before the whole
      entry.state = isWhole || !entry.state ? message : applyChange(entry.state, message);
      for (const each of entry.listeners) each(entry.state);
    },
  });
  /** @type {Followed} */
  const entry = { state: null, listeners: new Set(), close: () => subscription.close() };
  followed.set(id, entry);
  return entry;
}
