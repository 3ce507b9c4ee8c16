/** What the states of a run are called on the page, and which of them are over. The states are mnist_core's RunStatus. */

const LABELS = {
  idle: "Ready",
  queued: "Queued",
  preparing: "Preparing",
  running: "Running",
  paused: "Paused",
  stopping: "Stopping",
  completed: "Finished",
  stopped: "Stopped",
  failed: "Failed",
  diverged: "Diverged",
  interrupted: "Interrupted",
};
const FINISHED = new Set(["completed", "stopped", "failed", "diverged"]);

export const label = (status) => LABELS[status] ?? status;
export const isFinished = (status) => FINISHED.has(status);
