/** The rows of the runs table: built once each, painted again in place, so that focus and text selection stay. */
import { difference, sizeOf, spread } from "./model/columns.js";
import { CONFIDENCE } from "../lib/constants.js";
import { make, setAttribute, setText } from "../lib/dom.js";
import { loss } from "../lib/format.js";
import { measured, ofEachSeed } from "../lib/runs/seeds.js";
import { drawSparkline } from "./sparkline.js";
import { halfInterval } from "../lib/student_t.js";
import { dashOf, runColor } from "../lib/theme.js";

/**
 * @typedef {object} Context what painting needs to know besides the run
 * @property {import("./model/columns.js").Column[]} columns
 * @property {Set<number>} selected
 * @property {Object<string, number>} colorIndex by id
 * @property {object} colors see theme.js
 * @property {object|undefined} baseline
 * @property {(Map<string, number>|null)[]} best by column, then dataset
 * @property {import("./model/arrange.js").View} view
 */

/** @param {import("./model/arrange.js").RunItem|import("./model/arrange.js").GroupItem} item @param {Context} context */
export function buildRow(item, context) {
  const tick = make("input", "", { type: "checkbox" });
  const swatch = make("span", "mt-table-swatch", { "aria-hidden": "true" });
  const cells = context.columns.map((column) => buildCell(item, column));
  const row = make("tr", item.kind === "group" ? "mt-table-group" : "", { "data-key": item.key },
    make("td", "mt-table-tick", {}, make("label", "", {}, tick)),
    make("td", "mt-table-color", {}, swatch),
    ...cells);
  if (item.kind === "run") row.dataset.run = String(item.run.id);
  return { row, tick, swatch, cells };
}

function buildCell(item, column) {
  if (column.key !== "name") return make("td", column.number ? "mt-table-number" : "");
  if (item.kind === "group") return make("th", "", { scope: "row" }, make("button", "mt-table-toggle", { type: "button" }));
  const link = make("a", "mt-table-name", { href: `./?run=${item.run.id}`, target: "_self" });
  return make("th", "", { scope: "row" }, link, make("span", "mt-table-marks"));
}

/** @param {Context} context */
export function paintRow(built, item, context) {
  if (item.kind === "group") paintGroup(built, item, context);
  else paintRun(built, item.run, context);
}

function paintRun({ row, tick, swatch, cells }, run, context) {
  const ticked = context.selected.has(run.id);
  const index = context.colorIndex[run.id];
  tick.checked = ticked;
  tick.indeterminate = false;
  setAttribute(tick, "aria-label", `Select ${run.name}`);
  setAttribute(row, "data-ticked", ticked ? "" : null);
  paintSwatch(swatch, ticked ? index : undefined, context.colors);
  context.columns.forEach((column, i) => {
    const cell = cells[i];
    if (column.key === "name") paintName(cell, run, context.view);
    else if (column.curve) paintCurve(cell, run);
    else paintValue(cell, column, run, context, context.best[i]);
  });
}

function paintSwatch(swatch, index, colors) {
  const known = index !== undefined;
  const color = known ? runColor(colors, index) : "none";
  swatch.style.background = known && dashOf(index) !== "solid" ? `repeating-linear-gradient(90deg, ${color} 0 4px, transparent 4px 6px)` : color;
}

function paintName(cell, run, view) {
  const [link, marks] = cell.children;
  setText(link, run.name);
  setAttribute(link, "title", run.name);
  const words = [
    run.id === view.baseline && "baseline",
    run.starred && "★",
    run.archived && "archived",
  ];
  setText(marks, words.filter(Boolean).join(" "));
}

function paintCurve(cell, run) {
  if (run.curve.length > 1) drawSparkline(cell, run.curve, `Loss from ${loss(run.curve[0])} to ${loss(run.curve.at(-1))}`);
  else if (cell.firstElementChild) cell.replaceChildren();
}

function paintValue(cell, column, run, context, best) {
  const value = column.value(run);
  const text = column.write(value);
  const { baseline } = context;
  const delta = column.metric && baseline && baseline.id !== run.id ? difference(column, value, column.value(baseline)) : "";
  paintText(cell, text, delta);
  // Parents, tags and notes are as long as people make them.
  if (!column.number) setAttribute(cell, "title", text.length > 20 ? text : null);
  if (delta && column.best) {
    const better = (value - column.value(baseline)) * column.best;
    setAttribute(cell.lastElementChild, "data-better", better > 0 ? "yes" : better < 0 ? "no" : null);
  }
  setAttribute(cell, "data-missing", text === "–" ? "" : null);
  cell.classList.toggle("mt-table-best", value !== null && run.status === "completed" && best?.get(run.dataset) === value);
}

/** A text, and small beside it another one if there is one. */
function paintText(cell, text, small) {
  if (!cell.childNodes.length) cell.append("");
  const [node, aside] = cell.childNodes;
  if (node.data !== text) node.data = text;
  if (!small) aside?.remove();
  else if (aside) setText(aside, ` ${small}`);
  else cell.append(make("span", "mt-table-delta", {}, ` ${small}`));
}

function paintGroup({ tick, swatch, cells }, group, context) {
  const ticked = group.runs.filter((run) => context.selected.has(run.id)).length;
  const seeds = context.view.group === "seeds" ? ofEachSeed(group.runs).length : 0;
  tick.checked = ticked === group.runs.length;
  tick.indeterminate = ticked > 0 && !tick.checked;
  swatch.style.background = "none";
  const runs = `${group.runs.length} ${group.runs.length === 1 ? "run" : "runs"}`;
  setAttribute(tick, "aria-label", `Select ${runs} of ${group.label}`);
  context.columns.forEach((column, i) => {
    const cell = cells[i];
    if (column.key === "name") {
      const button = cell.firstElementChild;
      setText(button, `${group.open ? "▾" : "▸"} ${group.label}, ${seeds ? `${seeds} ${seeds === 1 ? "seed" : "seeds"}` : runs}`);
      setAttribute(button, "aria-expanded", String(group.open));
    } else if (column.metric) {
      paintSpread(cell, column, seeds ? measured(group.runs) : group.runs);
    } else if (!column.curve) {
      const texts = new Set(group.runs.map((run) => column.write(column.value(run))));
      const text = texts.size === 1 ? [...texts][0] : "varies";
      paintText(cell, text, "");
      setAttribute(cell, "data-missing", texts.size === 1 && text !== "–" ? null : "");
    }
  });
}

/** "98.71 % ±0.08 (±0.10)": mean, standard deviation, and half of the 95 % confidence interval of the mean. */
function paintSpread(cell, column, runs) {
  const found = spread(column, runs);
  const sd = found?.sd ?? null;
  const half = sd === null ? null : sizeOf(column, halfInterval(sd, found.n));
  paintText(cell, found ? column.write(found.mean) : "–", sd === null ? "" : `±${sizeOf(column, sd)} (±${half})`);
  const spreads = sd === null ? "" : `, ± standard deviation, and in brackets ± ${100 * CONFIDENCE} % confidence interval of the mean`;
  setAttribute(cell, "title", found ? `Mean of ${found.n}${spreads}` : null);
  setAttribute(cell, "data-missing", found ? null : "");
}
