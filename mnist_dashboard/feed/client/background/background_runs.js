/**
 * Summaries of runs for hidden tabs, which their window titles need. A browser allows few connections, so of all tabs the one
 * that holds a lock keeps its stream while it is hidden, and tells the others; when it closes, another takes over. Browsers
 * have locks only for pages at localhost or over https; elsewhere a hidden tab hears nothing until it is shown.
 */
import { stream } from "../stream.js";

/** @import { Run } from "../../../components/lib/types" */

const NAME = "mnist-background-runs";
const SPACING_MS = 1000; // between two messages on a run whose status stays the same

/**
 * Call back for changes of any run, also while this tab is hidden.
 * @param {(run: Run) => void} onRun
 * @returns {() => void} ends it
 */
export function followInBackground(onRun) {
  const ending = new AbortController();
  const channel = new BroadcastChannel(NAME);
  channel.addEventListener("message", ({ data }) => {
    stream.addSummary(data);
    onRun(data);
  });
  const share = () => (ending.signal.aborted ? undefined : shareUntil(ending.signal, channel));
  // A refusal means that it was ended before the lock was free.
  navigator.locks?.request(NAME, { signal: ending.signal }, share).catch(() => {});
  return () => {
    ending.abort();
    channel.close();
  };
}

/** @param {AbortSignal} signal @param {BroadcastChannel} channel */
function shareUntil(signal, channel) {
  /** @type {Map<number, {status: string, at: number}>} the message before, by run */
  const sent = new Map();
  const subscription = stream.subscribe({
    runs: [],
    whileHidden: true,
    onRun: (run) => {
      const { status, at } = sent.get(run.id) ?? { status: "", at: 0 };
      if (status === run.status && Date.now() - at < SPACING_MS) return;
      sent.set(run.id, { status: run.status, at: Date.now() });
      channel.postMessage(run);
    },
  });
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      subscription.close();
      resolve(undefined);
    });
  });
}
