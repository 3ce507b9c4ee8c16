/** Settings changed while a run was going: how they are numbered and put into words, on the charts and in the list. */
import { GUEST, SETTINGS } from "../constants.js";
import { moment, setting, short, whole } from "../format.js";

const SHORT = { batch_size: "batch" }; // where "batch_size" is too long for a chart
const nameOf = (field) => SETTINGS[field]?.label.toLowerCase() ?? field;

const change = ({ old, new: now }) => `${setting(old)} → ${setting(now)}`;

/** "Step 1 180: learning rate 0.01 → 0.05" */
export const sentenceOf = (one) => `Step ${whole(one.step)}: ${nameOf(one.field)} ${change(one)}`;

/** "Ana, 14:02" */
export const originOf = (one, you) => `${one.by === you && you !== GUEST ? "you" : one.by}, ${moment(one.at)}`;

/**
 * The lines on the charts.
 * @param {object|undefined} run a summary, as in the stream's `run` event
 */
export function marksOf(run) {
  return (run?.interventions ?? []).map((one, i) => ({
    step: one.step,
    number: i + 1,
    text: `${SHORT[one.field] ?? one.field} ${change(one)}`,
    hover: `${sentenceOf(one)}, ${originOf(one)}`,
  }));
}

/**
 * Where a run that goes on from another one leaves it; nothing for a run that began anew.
 * @param {object|undefined} run a summary @param {object|undefined} parent the other run's, if it is known
 * @returns {{step: number, text: string}|undefined}
 */
export function forkOf(run, parent) {
  if (!run?.parent_id || run.parent_step === null) return undefined;
  const from = short(parent?.name ?? `run ${run.parent_id}`);
  return { step: run.parent_step, text: `from ${from}` };
}
