/** Which rows the table shows, in which order, in which groups. Pure. */
import { groupNames } from "../../lib/runs/group_names.js";
import { COLUMNS, columnOf, comparator, isMissing, naturalOrder } from "./columns.js";
import { conditionProblem, parseCondition, parseSearch } from "./filters.js";

/**
 * @import { ListedRun } from "../../../feed/client/run_list.js"
 * @import { Column } from "./columns.js"
 */

/**
 * @typedef {object} View what the reader has chosen; kept in the address of the page, see runs/table_state.py
 * @property {string} sort key of a column, with a minus before it for descending; "" is newest first
 * @property {string} search
 * @property {Record<string, string>} where conditions by key of column
 * @property {string} group key of a column, "seeds", or ""
 * @property {string[]} columns keys; empty: those the reader chose last, else the usual ones
 * @property {number[]} pinned ids
 * @property {number|null} baseline id
 * @property {boolean} differs hide settings that are equal in all runs
 * @property {boolean} archived show archived runs, too
 * @property {boolean} [filters] whether the fields for conditions are open; not in the address
 */

/**
 * @typedef {{kind: "run", run: ListedRun, key: string}} RunItem
 * @typedef {{kind: "group", label: string, runs: ListedRun[], open: boolean, key: string, noun?: string}} GroupItem `noun` what the
 *   runs are in a search or a race, which have no mean
 * @typedef {RunItem|GroupItem} Item one row of the table
 */

/** The runs that pass search, conditions and archive. @param {ListedRun[]} runs @param {View} view */
export function filterRuns(runs, view) {
  const conditions = Object.entries(view.where).flatMap(([key, typed]) => {
    const column = columnOf(key);
    return column && typed.trim() && !conditionProblem(column, key, typed) ? [parseCondition(column, typed)] : [];
  });
  if (view.search.trim()) conditions.push(parseSearch(view.search));
  if (!view.archived) conditions.push((run) => !run.archived);
  return runs.filter((run) => conditions.every((condition) => condition(run)));
}

/** What is wrong with conditions, by key of the column; such conditions are left out. @param {View["where"]} where */
export function conditionProblems(where) {
  const problems = Object.entries(where).map(([key, typed]) => [key, conditionProblem(columnOf(key), key, typed)]);
  return Object.fromEntries(problems.filter(([, problem]) => problem));
}

/** @param {ListedRun[]} runs newest first @param {View} view */
export function sortRuns(runs, view) {
  const column = columnOf(view.sort.replace("-", ""));
  return column ? runs.toSorted(comparator(column, view.sort.startsWith("-") ? -1 : 1)) : runs;
}

/** @param {ListedRun} run @returns {RunItem} */
const runItem = (run) => ({ kind: "run", run, key: `run-${run.id}` });

/**
 * Runs, or groups with their runs if they are open.
 * @param {ListedRun[]} runs in order @param {View} view @param {Set<string>} openGroups keys of groups that the reader opened
 * @returns {Item[]}
 */
export function groupRuns(runs, view, openGroups) {
  const groupOf = grouping(view.group, runs);
  if (!groupOf) return view.group || isLookingFor(view) ? runs.map(runItem) : foldExperiments(runs, openGroups);
  /** @type {Map<string, GroupItem>} */
  const groups = new Map();
  for (const run of runs) {
    const { key, label } = groupOf(run);
    const group = groups.get(key) ?? { kind: "group", label, runs: [], open: openGroups.has(key), key };
    group.runs.push(run);
    groups.set(key, group);
  }
  const ordered = [...groups.values()];
  if (!view.sort && view.group !== "seeds") ordered.sort(groupComparator(view.group));
  return ordered.flatMap((group) => {
    if (view.group === "seeds" && group.runs.length === 1) return [runItem(group.runs[0])];
    return group.open ? [group, ...group.runs.map(runItem)] : [group];
  });
}

/** Whether the reader looks for single runs, which no group may hide. @param {View} view */
const isLookingFor = ({ search, where }) => Boolean(search.trim()) || Object.keys(where).length > 0;

/**
 * The runs, with the trials of each search and the lanes of each race in one group, which stands where the first of them would.
 * @param {ListedRun[]} runs in order @param {Set<string>} openGroups @returns {Item[]}
 */
function foldExperiments(runs, openGroups) {
  /** @type {Map<string, GroupItem>} */
  const groups = new Map();
  /** @type {Item[]} */
  const items = [];
  for (const run of runs) {
    const experiment = experimentOf(run);
    if (!experiment) {
      items.push(runItem(run));
      continue;
    }
    const { key } = experiment;
    const known = groups.get(key);
    if (known) known.runs.push(run);
    else {
      /** @type {GroupItem} */
      const group = { kind: "group", ...experiment, runs: [run], open: openGroups.has(key) };
      groups.set(key, group);
      items.push(group);
    }
  }
  return items.flatMap((item) => (item.kind === "group" && item.open ? [item, ...item.runs.map(runItem)] : [item]));
}

/** Names of trials begin with that of their search: "sweep-3 trial 10". */
const TRIAL_NAME = /^(.+) (?:trial|winner|baseline|compared) \d/;

/** @param {ListedRun} run */
function experimentOf({ sweep_id: sweep, race_id: race, name }) {
  if (sweep !== null) return { key: `sweep-${sweep}`, label: TRIAL_NAME.exec(name)?.[1] ?? `Search ${sweep}`, noun: "run" };
  if (race !== null) return { key: `race-${race}`, label: `race-${race}`, noun: "lane" };
  return null;
}

/** Orders groups by their numbers, else by their labels. @param {string} group @returns {(a: GroupItem, b: GroupItem) => number} */
function groupComparator(group) {
  const column = columnOf(group);
  if (!column?.number) return (a, b) => naturalOrder(a.label, b.label);
  const compareRuns = comparator(column, 1);
  return (a, b) => compareRuns(a.runs[0], b.runs[0]);
}

/** @param {string} group @param {ListedRun[]} runs @returns {((run: ListedRun) => {key: string, label: string})|null} */
function grouping(group, runs) {
  if (group === "seeds") {
    const names = groupNames(runs);
    return (run) => ({ key: run.seed_group, label: names.get(run.seed_group) ?? run.name });
  }
  const column = columnOf(group);
  if (!column) return null;
  return (run) => {
    const text = column.format(column.value(run));
    return { key: `${group}=${text}`, label: `${column.title} ${text}` };
  };
}

/**
 * The columns to show.
 * @param {View} view @param {string[]} keys as chosen; none for the usual ones @param {ListedRun[]} runs among which settings are compared
 * @returns {Column[]}
 */
export function visibleColumns(view, keys, runs) {
  const hasValue = (/** @type {Column} */ column) => runs.some((run) => !isMissing(column.value(run)));
  const isUsual = (/** @type {Column} */ column) => column.usual && (!column.optional || hasValue(column));
  const isChosen = (/** @type {Column} */ column) => (keys.length ? keys.includes(column.key) : isUsual(column));
  const chosen = COLUMNS.filter((column) => isChosen(column) || column.key === "name");
  if (!view.differs || runs.length < 2) return chosen;
  return chosen.filter((column) => !column.setting || runs.some((run) => column.value(run) !== column.value(runs[0])));
}
