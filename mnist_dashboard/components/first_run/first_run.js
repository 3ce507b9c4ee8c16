/** Has a page that has no runs to show drawn again as soon as there is one. It draws nothing itself. */
import { askForRerun } from "../lib/rerun.js";
import { stream } from "../../feed/client/stream.js";

class FirstRun {
  #host;
  #subscription;

  constructor(host) {
    this.#host = host;
    this.#subscription = stream.subscribe({ runs: [], onRun: (run) => run.deleted || askForRerun(this.#host, run.status) });
  }

  update(_data, host) {
    this.#host = host;
  }

  destroy() {
    this.#subscription.close();
  }
}

export const mount = (_root, _data, host) => new FirstRun(host);
