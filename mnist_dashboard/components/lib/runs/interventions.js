/** Settings changed while a run was training: how charts and the change log describe them. Pure. */
import { SETTINGS } from "../constants.js";
import { formatCount, formatSetting, formatTime } from "../format.js";
import { shorten } from "./names.js";

/** @typedef {import("../types").Intervention} Intervention @typedef {import("../types").Run} Run */

/** @type {Record<string, string>} names for charts, where the label of the setting is too long */
const SHORT_NAMES = { batch_size: "batch" };

/** @param {string} field */
const settingName = (field) => SETTINGS[field]?.label.toLowerCase() ?? field;

/** @param {Intervention} intervention */
const oldToNew = (intervention) => `${formatSetting(intervention.old)} → ${formatSetting(intervention.new)}`;

/** "Step 1 180: learning rate 0.01 → 0.05" @param {Intervention} intervention */
export function describeChange(intervention) {
  return `Step ${formatCount(intervention.step)}: ${settingName(intervention.field)} ${oldToNew(intervention)}`;
}

/** "Ana, 14:02" @param {Intervention} intervention @param {string} [you] name of the reader */
export function describeOrigin({ by, at }, you) {
  return `${by === you ? "you" : by}, ${formatTime(at)}`;
}

/**
 * The lines that mark interventions on a chart, numbered from 1.
 * @param {Pick<Run, "interventions"|"earlier_interventions">|undefined} run
 */
export function interventionMarks(run) {
  return (run?.interventions ?? []).map((intervention, i) => ({
    step: intervention.step,
    number: (run?.earlier_interventions ?? 0) + i + 1,
    text: `${SHORT_NAMES[intervention.field] ?? intervention.field} ${oldToNew(intervention)}`,
    hover: `${describeChange(intervention)}, ${describeOrigin(intervention)}`,
  }));
}

/**
 * The step at which a run branches off from its parent; undefined for a run that began with fresh weights.
 * @param {Pick<Run, "parent_id"|"parent_step">|undefined} run
 * @param {Pick<Run, "name">|undefined} parent undefined if its summary has not arrived
 * @returns {{step: number, text: string}|undefined}
 */
export function forkMark(run, parent) {
  if (!run?.parent_id || run.parent_step === null) return undefined;
  return { step: run.parent_step, text: `from ${shorten(parent?.name ?? `run ${run.parent_id}`)}` };
}
