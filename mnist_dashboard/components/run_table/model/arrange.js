/** Which rows the table shows, in which order, in which groups. Pure. */
import { compare, COLUMNS, columnOf } from "./columns.js";
import { condition, search } from "./filters.js";

/**
 * @typedef {object} View what the reader has chosen; kept in the address of the page, see mnist_dashboard/runs/table_state.py
 * @property {string} sort key of a column, with a minus before it for descending; "" is newest first
 * @property {string} search
 * @property {Object<string, string>} where conditions by key of column
 * @property {string} group key of a column, "seeds", or ""
 * @property {string[]} columns keys; empty: those the reader chose last, else the usual ones
 * @property {number[]} pinned ids
 * @property {number|null} baseline id
 * @property {boolean} differs hide settings that are equal in all runs
 * @property {boolean} archived show archived runs, too
 */

/**
 * @typedef {{kind: "run", run: object, key: string}} RunItem
 * @typedef {{kind: "group", label: string, runs: object[], open: boolean, key: string}} GroupItem
 */

/** The runs that pass search, conditions and archive. @param {object[]} runs @param {View} view */
export function shown(runs, view) {
  const tests = Object.entries(view.where)
    .filter(([key, typed]) => columnOf(key) && typed.trim())
    .map(([key, typed]) => condition(columnOf(key), typed));
  if (view.search.trim()) tests.push(search(view.search));
  if (!view.archived) tests.push((run) => !run.archived);
  return runs.filter((run) => tests.every((test) => test(run)));
}

/** @param {View} view @returns {object[]} a sorted copy */
export function sorted(runs, view) {
  const column = columnOf(view.sort.replace("-", ""));
  return column ? [...runs].sort(compare(column, view.sort.startsWith("-") ? -1 : 1)) : runs;
}

/**
 * Runs, or groups with their runs if they are open.
 * @param {object[]} runs in order @param {View} view @param {Set<string>} toggled keys of groups opened or closed by the reader
 * @returns {(RunItem|GroupItem)[]}
 */
export function itemsOf(runs, view, toggled) {
  const item = (run) => ({ kind: "run", run, key: `run-${run.id}` });
  const keyOf = groupKey(view.group);
  if (!keyOf) return runs.map(item);
  const groups = new Map();
  for (const run of runs) {
    const [key, label] = keyOf(run);
    if (!groups.has(key)) groups.set(key, { kind: "group", label, runs: [], key });
    groups.get(key).runs.push(run);
  }
  const ordered = [...groups.values()];
  if (!view.sort) ordered.sort((a, b) => new Intl.Collator("en", { numeric: true }).compare(a.label, b.label));
  return ordered.flatMap((group) => {
    if (view.group === "seeds" && group.runs.length === 1) return [item(group.runs[0])];
    group.open = toggled.has(group.key);
    return group.open ? [group, ...group.runs.map(item)] : [group];
  });
}

/** @returns {((run: object) => [key: string, label: string])|null} */
function groupKey(group) {
  if (group === "seeds") return (run) => [run.seed_group, run.name];
  const column = columnOf(group);
  if (!column) return null;
  return (run) => {
    const text = column.write(column.value(run));
    return [`${group}=${text}`, `${column.title} ${text}`];
  };
}

/**
 * The columns to show.
 * @param {View} view @param {string[]} keys as chosen @param {object[]} runs among which settings are compared
 */
export function columnsOf(view, keys, runs) {
  const chosen = COLUMNS.filter((column) => keys.includes(column.key) || column.key === "name");
  if (!view.differs || runs.length < 2) return chosen;
  return chosen.filter((column) => !column.setting || runs.some((run) => column.value(run) !== column.value(runs[0])));
}
