/** The statuses of a run: what each is called, and which ones are final. */
import { REMOVED_FROM_QUEUE, RUN_STATUSES } from "../constants.js";

export const IDLE = "idle"; // the strip shows it while there is no run

/** @param {string} status */
export const statusLabel = (status) => (status === IDLE ? "Ready" : (RUN_STATUSES[status]?.label ?? status));

/**
 * The status of a run in words: also its place in the queue, or that somebody removed it from the queue before it began.
 * @param {{status: string, reason: string, queue_position: number|null}} run
 */
export function statusText({ status, reason, queue_position: position }) {
  if (status === "stopped" && reason === REMOVED_FROM_QUEUE) return REMOVED_FROM_QUEUE.replace(/\.$/, "");
  return position === null ? statusLabel(status) : `${statusLabel(status)}, ${position}${ordinalEnding(position)}`;
}

/** @param {number} n */
const ordinalEnding = (n) => (n % 100 > 10 && n % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th"));

/** @param {string} status */
export const isFinished = (status) => RUN_STATUSES[status]?.is_finished ?? false;
