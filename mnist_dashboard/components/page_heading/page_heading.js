/**
 * The heading of a page, visually hidden, and the title of its window: both say the state of the run that the page shows, live, and
 * in hidden tabs, too: there the title is all that shows.
 * Streamlit sets the title of the window anew with every rerun, so it is put right after that.
 */
import { followInBackground } from "../../feed/client/background/background_runs.js";
import { stream } from "../../feed/client/stream.js";
import { make, setText } from "../lib/dom.js";
import { isFinished } from "../lib/runs/status.js";
import { headingText, windowTitle } from "./heading_texts.js";

/** @import { Run } from "../lib/types" */
/** @typedef {{page: string, run: Run|null}} HeadingData */

class PageHeading {
  #data;
  #heading = make("h1", "mt-visually-hidden");
  #subscription;
  /** @type {(() => void)|null} ends the following of a run in progress while the tab is hidden */
  #stopFollowing = null;
  #title = new MutationObserver(() => this.#paintTitle());

  /** @param {HTMLElement} root @param {HeadingData} data */
  constructor(root, data) {
    this.#data = data;
    root.append(this.#heading);
    this.#subscription = stream.subscribe({
      runs: [],
      onRun: (run) => this.#onRun(run),
    });
    this.#title.observe(document.head, { subtree: true, childList: true, characterData: true });
    this.update(data);
  }

  /** @param {HeadingData} data */
  update(data) {
    this.#data = data;
    if (data.run) stream.addSummary(data.run);
    this.#paint();
  }

  destroy() {
    this.#stopFollowing?.();
    this.#title.disconnect();
    this.#subscription.close();
    this.#heading.remove();
  }

  /** @param {Run} run */
  #onRun(run) {
    if (run.id === this.#data.run?.id) this.#paint();
  }

  #run() {
    return stream.run(this.#data.run?.id) ?? null;
  }

  #paint() {
    this.#follow();
    setText(this.#heading, headingText(this.#data.page, this.#run()));
    this.#paintTitle();
  }

  #follow() {
    const run = this.#run();
    const isInProgress = run !== null && !isFinished(run.status) && run.status !== "interrupted";
    if (isInProgress) {
      this.#stopFollowing ??= followInBackground((changed) => this.#onRun(changed));
    } else {
      this.#stopFollowing?.();
      this.#stopFollowing = null;
    }
  }

  #paintTitle() {
    const title = windowTitle(this.#data.page, this.#run());
    if (document.title !== title) document.title = title;
  }
}

/** @param {HTMLElement} root @param {HeadingData} data */
export const mount = (root, data) => new PageHeading(root, data);
