/** What a notification says when a run ends. Pure. */
import { isFinished, statusLabel } from "../../../components/lib/runs/status.js";

/** @import { Run } from "../../../components/lib/types" */

/** @param {Run} run */
const hasEnded = (run) => isFinished(run.status) || run.status === "interrupted";

/**
 * The notification if a run has just ended; null for a run that goes on, had ended before or never began.
 * @param {Run|undefined} before its summary before @param {Run} run
 * @returns {{title: string, body: string, tag: string}|null} of two with the same tag a browser shows one
 */
export function notificationOf(before, run) {
  if (!before || hasEnded(before) || !hasEnded(run) || run.started_at === null || run.deleted) return null;
  return {
    title: `${run.name} ${statusLabel(run.status).toLowerCase()}`,
    body: run.sentence?.text ?? run.reason,
    tag: `mnist-run-${run.id}-${run.attempt}`,
  };
}
