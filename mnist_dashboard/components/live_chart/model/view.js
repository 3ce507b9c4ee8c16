/** Everything that one drawing of a chart depends on, and what it draws: runs, or groups of seeds as one. Pure. */
import { groupNames } from "../../lib/runs/group_names.js";
import { distinctNames } from "../../lib/runs/names.js";
import { oneRunPerSeed } from "../../lib/runs/seeds.js";
import { isLogarithmic } from "./axes/fields.js";
import { curvesOf, ghostLine } from "./curves.js";

/**
 * @import { RunSeries } from "../../../feed/client/series.js"
 * @import { Palette } from "../../lib/theme.js"
 * @import { Run } from "../../lib/types"
 * @import { ChartData } from "../live_chart.js"
 * @import { interventionMarks } from "../../lib/runs/interventions.js"
 * @import { Curves } from "./curves.js"
 * @import { Line } from "./differences.js"
 */

/**
 * @typedef {object} ChartRun one run and where its points lie
 * @property {number} id
 * @property {string} name
 * @property {number} color
 * @property {RunSeries} series
 * @property {Run|undefined} summary undefined until it has arrived
 * @property {(step: number) => number|null} stepToX
 * @property {(number|null)[]} x of each bucket
 * @property {{step: number, text: string}|undefined} fork where it branches off from its parent
 */

/**
 * @typedef {object} Item what is drawn as one: a run, or the mean of runs that differ only in their seeds
 * @property {number} id of its first run
 * @property {string} name short, and different from those of the other items
 * @property {number} color
 * @property {ChartRun[]} runs
 * @property {Curves} curves
 */

/**
 * @typedef {object} View everything that one drawing depends on
 * @property {ChartData} data
 * @property {Palette} colors
 * @property {number} width in pixels, as is the height
 * @property {number} height without further rows of the legend
 * @property {boolean} narrow
 * @property {boolean} several whether colour says which run, rather than what a curve is
 * @property {boolean} logY whether the y axis is logarithmic
 * @property {ChartRun|null} baseline
 * @property {{name: string, line: Line}|null} ghost the previous run, drawn behind the only one
 * @property {ReturnType<typeof interventionMarks>} interventions if one run is drawn over steps
 * @property {Item[]} items the axes have room for all of them
 * @property {Item[]} drawn those of them that are drawn
 * @property {boolean} unified whether one hover box tells the values of all curves at one x, or only that of the nearest point
 */

const NARROW = 480;
const HOVER_ROW = 17; // pixels
const HOVER_ROWS = 3; // of an item: its curve and its evaluations
const NAME_LENGTH = { narrow: 16, wide: 24 };
const GROUP_NAME_LENGTH = { narrow: 30, wide: 40 }; // groups are few, and called by several settings

/** How many letters two names in one row of a narrow legend may have. @param {number} width of the chart */
const lettersOfTwo = (width) => Math.floor(((width - 58) / 2 - 42) / 5.6);

/**
 * @param {ChartData} data @param {ChartRun[]} runs that have data
 * @param {Pick<View, "colors"|"width"|"height"> & Partial<Pick<View, "baseline"|"interventions">> & {ghost?: ChartRun|null}} context
 * @returns {View}
 */
export function makeView(data, runs, { colors, width, height, baseline = null, ghost = null, interventions = [] }) {
  const narrow = width < NARROW;
  const base = {
    data, colors, width, height, narrow, baseline, interventions,
    // One run alone keeps the colour that the table gave it, unless that is the colour of the role anyway.
    several: data.runs.length > 1 || data.runs[0]?.color > 0 || data.field === "lr" || baseline !== null,
    logY: data.log && isLogarithmic(data.field) && !baseline,
  };
  const groups = data.bands ? groupSeeds(runs) : runs.map((run) => ({ name: run.name, runs: [run], ids: [run.id] }));
  const lengths = groups.some((group) => group.runs.length > 1) ? GROUP_NAME_LENGTH : NAME_LENGTH;
  const length = narrow ? Math.min(Math.max(lettersOfTwo(width), lengths.narrow), lengths.wide) : lengths.wide;
  const names = distinctNames(groups.map(({ name }) => name), length);
  const items = groups.map((group, i) => {
    const [first] = group.runs;
    return { id: first.id, name: names[i], color: first.color, runs: group.runs, curves: curvesOf(group.runs, base) };
  });
  const drawn = data.only === null ? items : items.filter((_, i) => groups[i].ids.includes(Number(data.only)));
  return {
    ...base,
    items,
    drawn,
    // A box higher or wider than the chart would be cut off.
    unified: drawn.length < 2 || (!narrow && drawn.length * HOVER_ROWS * HOVER_ROW < height),
    ghost: ghost && items.length && !base.several ? { name: ghost.name, line: ghostLine(ghost, base) } : null,
  };
}

/**
 * Runs that differ only in their seeds as groups of at least two, with one run a seed; every other run by itself.
 * @param {ChartRun[]} runs @returns {{name: string, runs: ChartRun[], ids: number[]}[]} `ids` also has runs that repeat a seed
 */
function groupSeeds(runs) {
  const summaries = runs.flatMap(({ summary }) => summary ?? []);
  const names = groupNames(summaries);
  const groups = Map.groupBy(runs, (run) => run.summary?.seed_group ?? run.id);
  return [...groups].flatMap(([key, group]) => {
    const kept = oneRunPerSeed(group.flatMap(({ summary }) => summary ?? [])).map(({ id }) => id);
    if (kept.length < 2) return group.map((run) => ({ name: run.name, runs: [run], ids: [run.id] }));
    return [{ name: names.get(String(key)) ?? "", runs: group.filter((run) => kept.includes(run.id)), ids: group.map(({ id }) => id) }];
  });
}
