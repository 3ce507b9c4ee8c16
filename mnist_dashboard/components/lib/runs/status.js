/** The statuses of a run: what each is called, and which ones are final. */
import { RUN_STATUSES } from "../constants.js";

export const IDLE = "idle"; // the strip shows it while there is no run

/** @param {string} status */
export const statusLabel = (status) => (status === IDLE ? "Ready" : (RUN_STATUSES[status]?.label ?? status));

/** @param {string} status */
export const isFinished = (status) => RUN_STATUSES[status]?.is_finished ?? false;
