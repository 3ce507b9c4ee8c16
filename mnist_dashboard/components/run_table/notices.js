/** Sentences around the table of runs: what is wrong with its filters or with a new name, and which values are the best. */
import { LABELS } from "../lib/constants.js";
import { make, setText } from "../lib/dom.js";

/** @import { ListedRun, RunList } from "../../feed/client/run_list.js" */

export class Notices {
  #edit = make("p", "mt-notice", { role: "alert" });
  #filterText = make("span");
  #clear = make("button", "", { type: "button" }, "Clear");
  #filters = make("p", "mt-notice", { role: "alert" }, this.#filterText, " ", this.#clear);

  above = make("div", "mt-notices", {}, this.#edit, this.#filters);
  caption = make("p", "mt-table-caption");

  /** @param {() => void} clearFilters */
  constructor(clearFilters) {
    this.#clear.addEventListener("click", clearFilters);
    this.showFilterProblems([]);
    this.showEditProblem("");
  }

  /** @param {string[]} problems */
  showFilterProblems(problems) {
    this.#filters.hidden = problems.length === 0;
    setText(this.#filterText, problems.length ? `Left out: ${problems.join(" ")}` : "");
  }

  /** @param {string} problem empty: there is none */
  showEditProblem(problem) {
    this.#edit.hidden = !problem;
    setText(this.#edit, problem);
  }

  /** @param {string[]} sentences one for each dataset */
  showBest(sentences) {
    setText(this.caption, sentences.length ? `Tinted: the best of each dataset. ${sentences.join(". ")}.` : "");
  }
}

/**
 * What the table says in place of rows.
 * @param {RunList} runs @param {ListedRun[]} all @param {boolean} hasRows
 */
export function emptyText(runs, all, hasRows) {
  if (runs.problem) return runs.problem;
  if (!runs.loaded) return "Loading the runs…";
  if (hasRows) return "";
  const hint = all.length && all.every((run) => run.archived) ? ` All runs are archived: press ${LABELS.SHOW_ARCHIVED} to see them.` : "";
  return `No run matches these filters.${hint}`;
}
