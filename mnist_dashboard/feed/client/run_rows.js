/** Reads the response to `GET /runs.json`, which holds a list of values for each run; see feed/summaries/listed_run.py. Pure. */

/** @import { ListedRun } from "./run_list.js" */

/**
 * @typedef {object} RunRows
 * @property {string[]} fields names of the first values of a row
 * @property {string[]} settings names of the values after them
 * @property {unknown[][]} rows one for each run
 */

/** Values of the fields that only the live feed sends, until it has. */
const UNSENT = {
  notice: "", total_steps: 0, epoch: 0, after: null, epoch_ends: [], deleted: false,
};

/** @param {RunRows} table @returns {ListedRun[]} */
export function readRows({ fields, settings, rows }) {
  return rows.map((row) => {
    /** @type {Record<string, unknown>} */
    const run = { ...UNSENT };
    /** @type {Record<string, unknown>} */
    const values = {};
    for (let i = 0; i < fields.length; i++) run[fields[i]] = row[i];
    for (let i = 0; i < settings.length; i++) values[settings[i]] = row[fields.length + i];
    run.settings = values;
    return /** @type {ListedRun} */ (/** @type {unknown} */ (run));
  });
}
