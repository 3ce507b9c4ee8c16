/** How the answer to the chosen image came about: its ten probabilities by the weights that were kept during the training. */
import { StoryChart } from "../../draw/story/story_chart.js";
import { tellStory } from "../../draw/story/story_model.js";
import { requestJson, sentenceOf } from "../../lib/evaluations/requests.js";
import { make, setText } from "../../lib/dom.js";

/** @import { Evaluated } from "../../lib/evaluations/run_evaluations.js" */

export class ImageStory {
  #run;
  #asked = "";
  #axis = "";
  #chart = new StoryChart();
  #words = make("p", "mt-image-story-words", { role: "status" });
  element = make("div", "mt-image-story", {}, this.#chart.element, this.#words);

  /** @param {number} run */
  constructor(run) {
    this.#run = run;
  }

  destroy() {
    this.#chart.destroy();
  }

  /** @param {number} totalSteps @param {number[]} epochEnds steps */
  setAxis(totalSteps, epochEnds) {
    const axis = `${totalSteps}/${epochEnds.join()}`;
    if (axis === this.#axis) return;
    this.#axis = axis;
    this.#chart.setAxis(totalSteps, epochEnds);
  }

  /** @param {Evaluated|null} evaluation @param {number|null} image */
  async offer(evaluation, image) {
    const key = evaluation && image !== null ? `${evaluation.split}/${image}` : "";
    if (key === this.#asked) return;
    this.#asked = key;
    this.#chart.show(null);
    setText(this.#words, key ? "Asking the network …" : "Choose an image.");
    if (!evaluation || image === null) return;
    try {
      const story = await requestJson("inference/story", { run: this.#run, split: evaluation.split, image });
      if (key !== this.#asked) return;
      this.#chart.show(story);
      setText(this.#words, tellStory(story));
    } catch (error) {
      if (key !== this.#asked) return;
      setText(this.#words, sentenceOf(error));
      this.#asked = ""; // the next time may succeed
    }
  }
}
