/** Who is in front in a race, and by how much, in words and numbers. Pure. */
import { MISSING, formatCount, formatDuration, formatPercent, isNumber } from "../../lib/format.js";
import { LABELS } from "../../lib/constants.js";
import { isFinished, statusLabel } from "../../lib/runs/status.js";

/**
 * @import { Run } from "../../lib/types"
 * @typedef {{id: number, name: string}} Lane called by what differs
 * @typedef {object} Moment at which lanes were evaluated after the same images
 * @property {number} epochs that they had trained
 * @property {number} leader the run in front, which stays there while another one is level
 * @property {Record<string, number>} steps by run
 * @property {Record<string, number>} accuracies on validation, by run; lanes that ended before are left out
 * @typedef {object} Standing what `/race.json` responds
 * @property {Moment[]} moments
 * @property {string} sentence
 * @property {boolean} is_real whether the lead is more than noise
 * @property {boolean} is_level whether nobody leads at the last moment
 */

/** @type {Standing} */
export const NO_STANDING = { moments: [], sentence: "", is_real: false, is_level: true };

export const CELLS = [
  LABELS.STEP, "Leader", "Its validation", "Lead", "Lead changes", LABELS.SPEED, LABELS.DURATION, LABELS.LEFT,
];

const NOT_YET = "Who leads shows after the first evaluation.";
const TOO_EARLY = "The race ended before two lanes were evaluated.";

/** Points between two accuracies: −0.10. @param {number} difference 0 to 1 */
export const formatPoints = (difference) => (100 * difference).toFixed(2).replace("-", "−");

/** @param {Moment[]} moments */
export const leadChanges = (moments) => moments.filter(({ leader }, i) => i && leader !== moments[i - 1].leader).length;

/**
 * The lanes, the best first; those without an evaluation at the last moment come last.
 * @template {Lane} L @param {L[]} lanes @param {Moment[]} moments @returns {L[]}
 */
export function orderLanes(lanes, moments) {
  const accuracies = moments.at(-1)?.accuracies ?? {};
  return lanes.toSorted((a, b) => (accuracies[b.id] ?? -1) - (accuracies[a.id] ?? -1));
}

/** How far lanes are behind the best one at a moment, as shares from 0 down. @param {Moment} moment @returns {Record<string, number>} */
export function gapsAt({ accuracies }) {
  const best = Math.max(...Object.values(accuracies));
  return Object.fromEntries(Object.entries(accuracies).map(([id, accuracy]) => [id, accuracy - best]));
}

/**
 * What stands at the end of a lane's row.
 * @param {Lane} lane @param {Lane[]} ordered @param {Standing} standing @param {Run|undefined} run
 */
export function placeText(lane, ordered, { moments, is_level: isLevel }, run) {
  const last = moments.at(-1);
  const gap = last && gapsAt(last)[lane.id];
  if (gap === undefined) return run && isFinished(run.status) ? statusLabel(run.status) : "";
  const place = ordered.indexOf(lane);
  if (isLevel && place < 2) return "level";
  return place ? `${formatPoints(gap)} points` : "leads";
}

const FLOORS = [0.9, 0.8, 0.5]; // starts of the bars, highest first

/** Where the bars of all lanes begin: as high as keeps the shortest one visible. @param {number[]} accuracies */
export const barFloor = (accuracies) => FLOORS.find((floor) => accuracies.every((accuracy) => accuracy >= floor + 0.02)) ?? 0;

/** Whether a step means the same images in all lanes. @param {Run[]} runs */
export const haveSameSteps = (runs) => new Set(runs.map(({ total_steps: total }) => total)).size === 1;

/** The share of its steps that a race has done; lanes that have ended have done theirs. @param {Run[]} runs */
export function raceProgress(runs) {
  const shares = runs.map((run) => (isFinished(run.status) ? 1 : run.total_steps ? run.step / run.total_steps : 0));
  return shares.length ? shares.reduce((a, b) => a + b, 0) / shares.length : 0;
}

/** Training time of all lanes, which take turns. @param {Run[]} runs */
export const secondsSoFar = (runs) => runs.reduce((sum, run) => sum + (run.elapsed_seconds ?? 0), 0);

/** @param {Run[]} runs @returns {number|null} */
export function secondsLeft(runs) {
  const left = runs.filter((run) => !isFinished(run.status));
  if (!left.length || left.some((run) => !run.step || !isNumber(run.elapsed_seconds))) return null;
  return left.reduce((sum, { elapsed_seconds: seconds, step, total_steps: total }) => sum + ((seconds ?? 0) / step) * (total - step), 0);
}

/** Images a second of a process in which lanes take turns. @param {Run[]} runs */
export function raceSpeed(runs) {
  const speeds = runs.flatMap((run) => (run.status === "running" && run.examples_per_second ? [run.examples_per_second] : []));
  return speeds.length ? speeds.length / speeds.reduce((sum, speed) => sum + 1 / speed, 0) : null;
}

/**
 * Texts and units of the cells, in the order of `CELLS`; the first one's label comes with it.
 * @param {Lane[]} lanes @param {Run[]} runs @param {Standing} standing
 * @returns {[text: string, unit?: string][]}
 */
export function cellTexts(lanes, runs, standing) {
  const { moments, is_level: isLevel } = standing;
  const last = moments.at(-1);
  const [first] = orderLanes(lanes, moments);
  const gaps = last ? Object.values(gapsAt(last)).sort((a, b) => b - a) : [];
  const speed = raceSpeed(runs);
  const begun = runs.some(({ step }) => step > 0);
  return [
    progressCell(runs),
    [last ? (isLevel ? "level" : first.name) : MISSING],
    [formatPercent(last?.accuracies[first.id])],
    gaps.length > 1 ? [formatPoints(-gaps[1]), "points"] : [MISSING],
    [last ? String(leadChanges(moments)) : MISSING],
    speed ? [formatCount(speed), LABELS.SPEED_UNIT] : [MISSING],
    [begun ? formatDuration(secondsSoFar(runs)) : MISSING],
    [formatDuration(secondsLeft(runs))],
  ];
}

/** @param {Run[]} runs @returns {[text: string, unit?: string]} */
function progressCell(runs) {
  if (!haveSameSteps(runs)) {
    const [{ settings }] = runs;
    return [(raceProgress(runs) * settings.epochs).toFixed(1), `/ ${settings.epochs}`];
  }
  const step = Math.max(...runs.map((run) => run.step));
  const [{ total_steps: total }] = runs;
  return [formatCount(step), `/ ${total ? formatCount(total) : MISSING}`];
}

/** The state of all lanes together: the first of `statuses` that one of them has. @param {Run[]} runs @param {string[]} statuses */
export const raceStatus = (runs, statuses) => statuses.find((status) => runs.some((run) => run.status === status)) ?? "queued";

/**
 * The one sentence on a race.
 * @param {Lane[]} lanes @param {Run[]} runs @param {Standing} standing @param {string} status
 * @returns {{text: string, tone: string}}
 */
export function sentenceOn(lanes, runs, { sentence, moments, is_real: isReal }, status) {
  const [first] = runs;
  const position = Math.min(...runs.flatMap((run) => run.queue_position ?? []));
  if (status === "queued" && Number.isFinite(position)) {
    return { text: `Position ${position} in the queue${first.after ? `, after ${first.after}` : ""}.`, tone: "progress" };
  }
  const interrupted = runs.find((run) => run.status === "interrupted");
  if (status === "interrupted" && interrupted) {
    return { text: `${interrupted.reason} Resume goes on with all lanes.`.trim(), tone: "fault" };
  }
  const failed = runs.find((run) => run.status === "failed");
  if (status === "failed" && failed) return { text: failed.reason, tone: "fault" };
  const tone = runs.every((run) => isFinished(run.status)) && isReal ? "result" : "progress";
  if (sentence) return { text: sentence, tone };
  const last = moments.at(-1);
  if (!last) return { text: isFinished(status) ? TOO_EARLY : NOT_YET, tone: "progress" };
  const leader = lanes.find(({ id }) => id === last.leader);
  return { text: `${leader?.name ?? "A lane"} is in front after ${last.epochs} epoch${last.epochs === 1 ? "" : "s"}.`, tone };
}
