/** The last part of a search: its winner, the defaults and the reader's settings, trained with fresh seeds and tested. */
import { make, setAttribute, setText } from "../../lib/dom.js";
import { MISSING, formatPercent } from "../../lib/format.js";
import { describeValues } from "../../lib/sweeps/results.js";
import { finalRows } from "../model/final_rows.js";

/** @import { SweepState } from "../../lib/types" */
/** @import { FinalRow } from "../model/final_rows.js" */

export class Finals {
  #body = make("tbody");
  #verdict = make("p", "mt-board-verdict");
  element = make("section", "mt-board-panel mt-board-finals", { hidden: "" },
    make("div", "mt-board-head", {},
      make("h2", "mt-board-title", {}, "Winner"),
      make("span", "mt-board-aside mt-board-wide", {}, "Trained with seeds that no trial used, and scored on the test images.")),
    make("div", "mt-board-box", {}, make("table", "mt-board-table mt-board-tests", { "aria-label": "Winner" },
      make("thead", "", {}, make("tr", "", {},
        ...["Settings", "Values", "Test accuracy", "95\u202f% interval", "Seeds"].map((text, i) =>
          make("th", i > 1 ? "mt-board-number" : i ? "mt-board-wide" : "", { scope: "col" }, text)),
        make("td", "mt-board-wide"))),
      this.#body)),
    this.#verdict);

  /** @param {SweepState} sweep */
  show(sweep) {
    const rows = finalRows(sweep);
    this.element.hidden = !rows.length;
    const verdict = rows.map(({ trial }) => sweep.rivals[trial.role]).filter(Boolean).join(" ");
    setText(this.#verdict, sweep.verdict && verdict);
    this.#verdict.hidden = !sweep.verdict || !verdict;
    while (this.#body.children.length < rows.length) this.#body.append(buildRow());
    while (this.#body.children.length > rows.length) this.#body.lastElementChild?.remove();
    rows.forEach((row, i) => paintRow(this.#body.children[i], row));
  }
}

function buildRow() {
  const dot = make("i", "mt-board-mean");
  const range = make("div", "mt-board-range", { "aria-hidden": "true" }, make("i", "mt-board-interval"), dot);
  return make("tr", "", {},
    make("th", "", { scope: "row" }, make("a", "mt-board-link", { target: "_self" })),
    make("td", "mt-board-wide mt-board-values"),
    make("td", "mt-board-number mt-board-result"),
    make("td", "mt-board-number"),
    make("td", "mt-board-number"),
    make("td", "mt-board-wide", {}, range));
}

/** @param {Element} element @param {FinalRow} row */
function paintRow(element, { trial, name, values, test, place }) {
  const [title, settings, accuracy, interval, seeds, drawing] = element.children;
  const link = /** @type {HTMLElement} */ (title.firstElementChild);
  setText(link, name);
  setAttribute(link, "href", trial.runs[0] ? `./?run=${trial.runs[0].id}` : null);
  setAttribute(element, "data-best", trial.role === "winner" ? "" : null);
  setText(settings, describeValues(values) || "Defaults of the page");
  setText(accuracy, test ? formatPercent(test.accuracy) : MISSING);
  const hasInterval = test && test.low !== null && test.high !== null;
  setText(interval, hasInterval ? `${formatPercent(test.low)} to ${formatPercent(test.high)}` : MISSING);
  setText(seeds, trial.status === "running" ? `${test?.seeds ?? 0} of ${trial.seeds}` : String(test?.seeds ?? MISSING));
  const [bar, mean] = /** @type {NodeListOf<HTMLElement>} */ (drawing.querySelectorAll("i"));
  for (const each of [bar, mean]) each.hidden = !place;
  if (!place) return;
  Object.assign(bar.style, { left: `${100 * place.low}%`, width: `${100 * (place.high - place.low)}%` });
  mean.style.left = `${100 * place.mean}%`;
}
