/** Redraws a page that has no runs to show as soon as there is one. It draws nothing itself. */
import { stream } from "../../feed/client/stream.js";
import { requestRerun } from "../lib/page/rerun.js";

/** @import { Host } from "../lib/types" */

class FirstRun {
  #host;
  #subscription;

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
    this.#subscription = stream.subscribe({
      runs: [],
      onRun: (run) => {
        if (!run.deleted) requestRerun(this.#host, run.status);
      },
    });
  }

  /** @param {unknown} _data @param {Host} host */
  update(_data, host) {
    this.#host = host;
  }

  destroy() {
    this.#subscription.close();
  }
}

/** @param {HTMLElement} _root @param {unknown} _data @param {Host} host */
export const mount = (_root, _data, host) => new FirstRun(host);
