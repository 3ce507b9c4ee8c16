/**
 * Asks Python to draw this page again after the server has reported a change that the reader did not cause.
 *
 * After a click on a link to another page, Streamlit sends every request for the page that is still there until the server
 * has begun with the new one, and the last request wins: a rerun requested in that time would keep the old page and lose the
 * reader's click. So nothing is requested then; the next page is drawn from the newest state anyway.
 */

import { isLeaving } from "./page_history.js";

/** @typedef {import("../types").Host} Host */

const TYPED = ["text", "number", "search"]; // types of inputs

/**
 * Whether the reader is typing into a field of the page or of a popover. Fields in the sidebar do not count: a rerun leaves them
 * in place.
 */
export function isFillingForm() {
  const field = document.activeElement;
  const isField = field instanceof HTMLTextAreaElement || (field instanceof HTMLInputElement && TYPED.includes(field.type));
  return isField && !field.closest('[data-testid="stSidebar"]');
}

/**
 * Request a rerun, in which Python gets the value as `changed`, unless the reader is on the way to another page.
 * @param {Host} host @param {string} value
 * @returns {boolean} whether it was requested
 */
export function requestRerun(host, value) {
  if (isLeaving()) return false;
  host.setTriggerValue("changed", value);
  return true;
}

const RENEWAL_MS = 1000;
const MAX_RENEWALS = 20;

/**
 * Reruns the page when the server is back: a restarted server knows none of the page's buttons and would ignore the first press.
 * It asks repeatedly, because Streamlit may connect later than the stream and drops requests until then.
 */
export class Renewal {
  #wasLost = false;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #asking;

  /** @param {"connected"|"reconnecting"} state of the stream @param {Host} host */
  follow(state, host) {
    if (state === "connected" && this.#wasLost) {
      let requests = 0;
      this.stop();
      this.#asking = setInterval(() => {
        requestRerun(host, state);
        if (++requests === MAX_RENEWALS) this.stop();
      }, RENEWAL_MS);
    }
    this.#wasLost = state === "reconnecting";
  }

  /** Python has drawn the page. */
  stop() {
    clearInterval(this.#asking);
  }
}
