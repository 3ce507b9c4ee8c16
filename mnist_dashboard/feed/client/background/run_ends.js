/**
 * Notifications of the browser when a run ends. Of all tabs with the dashboard the one that holds a lock shows them, also
 * while it is hidden; when it closes, another takes over.
 */
import { NOTIFICATIONS_KEY, stream } from "../stream.js";
import { notificationOf } from "./run_ends_text.js";

/** @import { Run } from "../../../components/lib/types" */

const LOCK = "mnist-notifications";

/** Browsers notify only for pages at localhost or over https. */
export const canNotify = () => isSecureContext && "Notification" in window;

export const isOn = () => canNotify() && Notification.permission === "granted" && localStorage.getItem(NOTIFICATIONS_KEY) !== null;

/** @type {AbortController|null} ends the notifications of this tab, or its waiting for the lock */
let ending = null;

/**
 * Switch notifications on or off for this browser. Asks for its permission where that is open.
 * @param {boolean} on @returns {Promise<boolean>} whether they are on
 */
export async function switchNotifications(on) {
  if (on && canNotify() && (await Notification.requestPermission()) === "granted") localStorage.setItem(NOTIFICATIONS_KEY, "on");
  else localStorage.removeItem(NOTIFICATIONS_KEY);
  follow();
  return isOn();
}

/** Start or end as the storage says, which another tab may have changed. */
function follow() {
  if (isOn() === Boolean(ending)) return;
  ending?.abort();
  ending = isOn() ? new AbortController() : null;
  if (!ending) return;
  const { signal } = ending;
  // A refusal means that it was switched off before the lock was free.
  navigator.locks.request(LOCK, { signal }, () => (signal.aborted ? undefined : notifyUntil(signal))).catch(() => {});
}

/** @param {AbortSignal} signal */
function notifyUntil(signal) {
  /** @type {Map<number, Run>} the summary before, by id */
  const before = new Map();
  const subscription = stream.subscribe({
    runs: [],
    whileHidden: true,
    onRun: (run) => {
      const notification = notificationOf(before.get(run.id), run);
      before.set(run.id, run);
      if (notification) show(notification);
    },
  });
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      subscription.close();
      resolve(undefined);
    });
  });
}

/** @param {{title: string, body: string, tag: string}} notification */
function show({ title, ...options }) {
  try {
    const notification = new Notification(title, options);
    notification.addEventListener("click", () => window.focus());
  } catch (error) {
    console.warn("MNIST Trainer: this browser shows no notifications of pages.", error); // such as Chrome on Android
  }
}

addEventListener("storage", follow);
follow();
