/** All trials of a search in parallel coordinates: a line through its settings to its result for each. */
import { ParallelCoordinates } from "../parallel_coordinates/parallel_coordinates.js";
import { make, setText } from "../lib/dom.js";
import { parameterAxis, resultAxis } from "./model/axes.js";

/**
 * @import { SweepState } from "../lib/types"
 * @import { Judged } from "./model/trials.js"
 */

const HEIGHT = 286;

export class AllTrials {
  #box = make("div", "mt-analysis-parallel");
  #count = make("span", "mt-analysis-aside");
  /** @type {ParallelCoordinates|null} */
  #chart = null;
  element = make("section", "", { "aria-label": "All trials" },
    make("div", "mt-analysis-head", {}, make("h2", "", {}, "All trials"), this.#count), this.#box);

  /** @param {SweepState} sweep @param {Judged[]} judged */
  show({ parameters, objective }, judged) {
    const axes = parameters.map(parameterAxis);
    const results = judged.map(({ result }) => result);
    const outcome = resultAxis(objective, results.filter((result) => result !== null));
    const hasPruned = judged.some(({ kind }) => kind === "pruned");
    setText(this.#count, ["Green: the best.", hasPruned ? "Dashed: pruned." : ""].join(" ").trim());
    const places = (/** @type {number} */ i) => judged.map(({ trial }) => axes[i].placeOf(trial.values[parameters[i].name]));
    const data = {
      dimensions: [
        ...axes.map(({ label, ticks }, i) => ({ label, ticks, places: places(i) })),
        { label: outcome.label, ticks: outcome.ticks, places: results.map((result) => (result === null ? 0 : outcome.placeOf(result))) },
      ],
      names: judged.map(({ trial, result }) => `Trial ${trial.number}${result === null ? "" : `, ${outcome.textOf(result)}`}`),
      kinds: judged.map(({ kind }) => kind),
      noun: "trials",
      height: HEIGHT,
    };
    if (this.#chart) this.#chart.update(data);
    else this.#chart = new ParallelCoordinates(this.#box, data);
  }

  destroy() {
    this.#chart?.destroy();
  }
}
