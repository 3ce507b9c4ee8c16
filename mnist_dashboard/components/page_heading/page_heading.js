/**
 * The heading of a page, visually hidden, and the title of its window: both say the state of the run that the page shows, live.
 * Streamlit sets the title of the window anew with every rerun, so it is put right after that.
 */
import { stream } from "../../feed/client/stream.js";
import { make, setText } from "../lib/dom.js";
import { headingText, windowTitle } from "./heading_texts.js";

/** @import { Run } from "../lib/types" */
/** @typedef {{page: string, run: Run|null}} HeadingData */

class PageHeading {
  #data;
  #heading = make("h1", "mt-visually-hidden");
  #subscription;
  #title = new MutationObserver(() => this.#paintTitle());

  /** @param {HTMLElement} root @param {HeadingData} data */
  constructor(root, data) {
    this.#data = data;
    root.append(this.#heading);
    this.#subscription = stream.subscribe({
      runs: [],
      onRun: (run) => {
        if (run.id === this.#data.run?.id) this.#paint();
      },
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
    this.#title.disconnect();
    this.#subscription.close();
    this.#heading.remove();
  }

  #run() {
    return stream.run(this.#data.run?.id) ?? null;
  }

  #paint() {
    setText(this.#heading, headingText(this.#data.page, this.#run()));
    this.#paintTitle();
  }

  #paintTitle() {
    const title = windowTitle(this.#data.page, this.#run());
    if (document.title !== title) document.title = title;
  }
}

/** @param {HTMLElement} root @param {HeadingData} data */
export const mount = (root, data) => new PageHeading(root, data);
