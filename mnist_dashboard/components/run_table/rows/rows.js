/** The rows of the table of runs: each is built once and painted again in place, so that focus and text selection stay. */
import { CONFIDENCE } from "../../lib/constants.js";
import { make, setAttribute, setText } from "../../lib/dom.js";
import { MISSING, formatLoss, isNumber } from "../../lib/format.js";
import { measuredRuns } from "../../lib/runs/seeds.js";
import { runColor, runDash } from "../../lib/theme.js";
import { formatDifference, formatMeanInterval, formatSize, summarize } from "../model/columns.js";
import { drawSparkline } from "./sparkline.js";

/**
 * @import { ListedRun } from "../../../feed/client/run_list.js"
 * @import { Palette } from "../../lib/theme.js"
 * @import { GroupItem, Item, View } from "../model/arrange.js"
 * @import { Column } from "../model/columns.js"
 */

/**
 * @typedef {object} Context what a row shows besides its run
 * @property {Column[]} columns
 * @property {Set<number>} selected ids
 * @property {Record<string, number>} colorIndex by id of the run
 * @property {Palette} colors
 * @property {ListedRun|undefined} baseline
 * @property {(Map<string, number>|null)[]} best by column, then dataset
 * @property {View} view
 * @property {boolean} canEdit whether the reader may star and rename
 */

/**
 * @typedef {object} BuiltRow
 * @property {HTMLTableRowElement} row
 * @property {HTMLInputElement} tick
 * @property {HTMLElement} swatch
 * @property {Cell[]} cells
 */

/**
 * @typedef {object} Cell the parts of a cell that are there depend on its column
 * @property {HTMLTableCellElement} element
 * @property {HTMLElement} [name] the name of a run or group
 * @property {HTMLElement} [marks] beside the name of a run
 * @property {HTMLButtonElement} [star]
 * @property {HTMLButtonElement} [rename]
 * @property {Text} [text]
 * @property {HTMLElement} [aside] small text beside the text
 */

/** @param {Item} item @param {Context} context @returns {BuiltRow} */
export function buildRow(item, context) {
  const tick = make("input", "", { type: "checkbox" });
  const swatch = make("span", "mt-table-swatch", { "aria-hidden": "true" });
  const cells = context.columns.map((column) => buildCell(item, column, context.canEdit));
  const row = make("tr", item.kind === "group" ? "mt-table-group" : "", { "data-key": item.key },
    make("td", "mt-table-tick", {}, make("label", "", {}, tick)),
    make("td", "mt-table-color", {}, swatch),
    ...cells.map(({ element }) => element));
  if (item.kind === "run") row.dataset.run = String(item.run.id);
  return { row, tick, swatch, cells };
}

/** @param {Item} item @param {Column} column @param {boolean} canEdit @returns {Cell} */
function buildCell(item, column, canEdit) {
  if (column.key !== "name") return { element: make("td", column.number ? "mt-table-number" : "") };
  if (item.kind === "group") {
    const name = make("button", "mt-table-toggle", { type: "button" });
    return { element: make("th", "mt-table-names", { scope: "row" }, name), name };
  }
  const name = make("a", "mt-table-name", { href: `./?run=${item.run.id}`, target: "_self" });
  const marks = make("span", "mt-table-marks");
  if (!canEdit) return { element: make("th", "mt-table-names", { scope: "row" }, name, marks), name, marks };
  const star = make("button", "mt-table-star", { type: "button" });
  const rename = make("button", "mt-table-rename", { type: "button", title: "Rename (F2)" }, "✎");
  return { element: make("th", "mt-table-names", { scope: "row" }, star, name, marks, rename), name, marks, star, rename };
}

/** @param {BuiltRow} built @param {Item} item @param {Context} context */
export function paintRow(built, item, context) {
  if (item.kind === "group") paintGroup(built, item, context);
  else paintRun(built, item.run, context);
}

/** @param {BuiltRow} built @param {ListedRun} run @param {Context} context */
function paintRun({ row, tick, swatch, cells }, run, context) {
  const isSelected = context.selected.has(run.id);
  tick.checked = isSelected;
  tick.indeterminate = false;
  setAttribute(tick, "aria-label", `Select ${run.name}`);
  setAttribute(row, "data-ticked", isSelected ? "" : null);
  paintSwatch(swatch, isSelected ? context.colorIndex[run.id] : undefined, context.colors);
  context.columns.forEach((column, i) => {
    if (column.key === "name") paintName(cells[i], run, context.view);
    else if (column.key === "status") paintStatus(cells[i], column, run);
    else if (column.curve) paintCurve(cells[i].element, run);
    else paintValue(cells[i], column, run, context, context.best[i]);
  });
}

/** @param {HTMLElement} swatch @param {number|undefined} index undefined for a run that no chart draws @param {Palette} colors */
function paintSwatch(swatch, index, colors) {
  if (index === undefined) {
    swatch.style.background = "none";
    return;
  }
  const color = runColor(colors, index);
  const isSolid = runDash(index) === "solid";
  swatch.style.background = isSolid ? color : `repeating-linear-gradient(90deg, ${color} 0 4px, transparent 4px 6px)`;
}

/** @param {Cell} cell @param {ListedRun} run @param {View} view */
function paintName({ name, marks, star, rename }, run, view) {
  if (!name || !marks) return;
  setText(name, run.name);
  setAttribute(name, "title", run.name);
  if (star && rename) {
    setText(star, run.starred ? "★" : "☆");
    setAttribute(star, "aria-pressed", String(run.starred));
    setAttribute(star, "aria-label", `Star ${run.name}`);
    setAttribute(rename, "aria-label", `Rename ${run.name}`);
  }
  const words = [
    run.unverified && "unverified",
    run.id === view.baseline && "baseline",
    !star && run.starred && "★",
    run.archived && "archived",
  ];
  setText(marks, words.filter(Boolean).join(" "));
}

/** The status, and why it is so as a title. @param {Cell} cell @param {Column} column @param {ListedRun} run */
function paintStatus(cell, column, run) {
  paintText(cell, column.format(column.value(run)), "");
  setAttribute(cell.element, "title", run.reason || null);
  setAttribute(cell.element, "data-status", run.status);
}

/** @param {HTMLElement} cell @param {ListedRun} run */
function paintCurve(cell, { curve: [first, last, digits] }) {
  if (digits) drawSparkline(cell, digits, `Loss from ${formatLoss(first)} to ${formatLoss(last)}`);
  else if (cell.firstElementChild) cell.replaceChildren();
}

/** @param {Cell} cell @param {Column} column @param {ListedRun} run @param {Context} context @param {Map<string, number>|null} best */
function paintValue(cell, column, run, context, best) {
  const { element } = cell;
  const value = column.value(run);
  const text = column.format(value);
  const { baseline } = context;
  // A result on other data is no better or worse.
  const isCompared = column.metric && baseline && baseline.id !== run.id && !(column.best && baseline.dataset !== run.dataset);
  const base = isCompared ? column.value(baseline) : null;
  const difference = formatDifference(column, value, base);
  paintText(cell, text, difference);
  // Parents, tags and notes are as long as people make them.
  if (!column.number) setAttribute(element, "title", text.length > 20 ? text : null);
  if (cell.aside && column.best && isNumber(value) && isNumber(base)) {
    const gain = (value - base) * column.best;
    setAttribute(cell.aside, "data-better", gain > 0 ? "yes" : gain < 0 ? "no" : null);
  }
  setAttribute(element, "data-missing", text === MISSING ? "" : null);
  element.classList.toggle("mt-table-best", value !== null && run.status === "completed" && best?.get(run.dataset) === value);
}

/** @param {Cell} cell @param {string} text @param {string} small written beside the text unless empty */
function paintText(cell, text, small) {
  if (!cell.text) cell.element.append((cell.text = new Text()));
  if (cell.text.data !== text) cell.text.data = text;
  if (!small) {
    cell.aside?.remove();
    cell.aside = undefined;
    return;
  }
  if (!cell.aside) cell.element.append((cell.aside = make("span", "mt-table-delta")));
  setText(cell.aside, ` ${small}`);
}

/** @param {number} count @param {string} noun */
const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** @param {BuiltRow} built @param {GroupItem} group @param {Context} context */
function paintGroup({ tick, swatch, cells }, group, context) {
  const selected = group.runs.filter((run) => context.selected.has(run.id)).length;
  const isSeedGroup = context.view.group === "seeds";
  tick.checked = selected === group.runs.length;
  tick.indeterminate = selected > 0 && !tick.checked;
  const indices = new Set(group.runs.map((run) => (context.selected.has(run.id) ? context.colorIndex[run.id] : undefined)));
  paintSwatch(swatch, indices.size === 1 ? [...indices][0] : undefined, context.colors); // a band of seeds has one colour
  const runs = counted(group.runs.length, "run");
  const isMixed = group.runs.some((run) => run.dataset !== group.runs[0].dataset);
  setAttribute(tick, "aria-label", `Select ${runs} of ${group.label}`);
  context.columns.forEach((column, i) => {
    const cell = cells[i];
    if (cell.name) {
      const text = groupText(group);
      setText(cell.name, `${group.open ? "▾" : "▸"} ${text}`);
      setAttribute(cell.name, "title", text);
      setAttribute(cell.name, "aria-expanded", String(group.open));
    } else if (column.best && isMixed) {
      paintText(cell, "several datasets", "");
      setAttribute(cell.element, "data-missing", "");
      setAttribute(cell.element, "title", "Results on different datasets have no common mean.");
    } else if (column.metric && group.noun) {
      paintBest(cell, column, group.runs);
    } else if (column.metric) {
      paintSummary(cell, column, isSeedGroup ? measuredRuns(group.runs) : group.runs);
    } else if (!column.curve) {
      const texts = new Set(group.runs.map((run) => column.format(column.value(run))));
      const text = texts.size === 1 ? [...texts][0] : "varies";
      paintText(cell, text, "");
      setAttribute(cell.element, "data-missing", texts.size === 1 && text !== MISSING ? null : "");
    }
  });
}

/** Counts come first, where no long name hides them; the name of a group of seeds ends in theirs. @param {GroupItem} group */
function groupText({ runs, label, noun }) {
  if (noun) return `${label}, ${counted(runs.length, noun)}`;
  const seeds = counted(new Set(runs.map((run) => run.settings.seed)).size, "seed");
  return `${counted(runs.length, "run")}, ${seeds}: ${label.replace(`, ${seeds}`, "")}`;
}

/** The best of the runs; runs with different settings have no mean. @param {Cell} cell @param {Column} column @param {ListedRun[]} runs */
function paintBest(cell, column, runs) {
  const values = column.best ? runs.map(column.value).filter(isNumber) : [];
  const best = values.length ? values.reduce((a, b) => ((b - a) * (column.best ?? 1) > 0 ? b : a)) : null;
  paintText(cell, column.format(best), "");
  setAttribute(cell.element, "data-missing", best === null ? "" : null);
  setAttribute(cell.element, "title", best === null ? null : `Best of ${values.length}`);
}

/**
 * "98.71 % ±0.08 (±0.10)": mean, standard deviation, and the confidence interval of the mean.
 * @param {Cell} cell @param {Column} column @param {ListedRun[]} runs
 */
function paintSummary(cell, column, runs) {
  const summary = summarize(column, runs);
  setAttribute(cell.element, "data-missing", summary ? null : "");
  if (!summary) {
    paintText(cell, MISSING, "");
    setAttribute(cell.element, "title", null);
    return;
  }
  const { count, mean, sd, half } = summary;
  const spread = sd === null || half === null ? "" : `±${formatSize(column, sd)} (${formatMeanInterval(column, mean, half)})`;
  paintText(cell, column.format(mean), spread);
  const legend = sd === null ? "" : `, ± standard deviation, and in brackets the ${100 * CONFIDENCE} % confidence interval of the mean`;
  setAttribute(cell.element, "title", `Mean of ${count}${legend}`);
}
