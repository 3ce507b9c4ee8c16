/** Names of groups of runs that differ only in their seeds, as mnist_core/analysis/seed_groups.py names them. Pure. */
import { NAMED_CHANGES, SETTINGS } from "../constants.js";
import { formatSetting } from "../format.js";

/** @import { Run } from "../types" */

const NOT_IN_NAMES = ["seed", "save_model", "skip_norms", "dataset"];

/** Setting and value where there is little room: "lr 0.02", "adam". @param {string} field @param {unknown} value */
function describeSetting(field, value) {
  const text = typeof value === "number" ? formatSetting(value) : String(value);
  return `${SETTINGS[field]?.short_label ?? field} ${text}`.trimStart();
}

/**
 * What differs among the groups of these runs, and the number of seeds: "lr 0.02, 3 seeds". Groups of a single seed do not count
 * if there are at least two others. If there is only one group, it is called by its oldest run.
 * @param {Run[]} runs @returns {Map<string, string>} by `seed_group`
 */
export function groupNames(runs) {
  const oldestFirst = runs.toSorted((a, b) => a.id - b.id);
  const runNames = new Map(oldestFirst.map(({ id, name }) => [id, name]));
  const groups = [...Map.groupBy(oldestFirst, (run) => run.seed_group)];
  const facts = groups.map(([, group]) => factsOf(group[0], runNames));
  const seeds = groups.map(([, group]) => new Set(group.map((run) => run.settings.seed)).size);
  const several = facts.filter((_, i) => seeds[i] > 1);
  const names = groups.map(([, group], i) => {
    const differing = differingFacts(several.length > 1 && seeds[i] > 1 ? several : facts, facts[i]);
    const parts = differing.length ? differing : [group[0].name];
    return [...parts, `${seeds[i]} seed${seeds[i] === 1 ? "" : "s"}`].join(", ");
  });
  const isUnique = (/** @type {string} */ name) => names.indexOf(name) === names.lastIndexOf(name);
  return new Map(groups.map(([key, group], i) => [key, isUnique(names[i]) ? names[i] : `${names[i]} (${group[0].name})`]));
}

/** The `facts` that not all of `all` share. @param {Map<string, string>[]} all @param {Map<string, string>} facts */
function differingFacts(all, facts) {
  const fields = [...Object.keys(SETTINGS), "start", "changes"];
  return fields.flatMap((field) => (new Set(all.map((each) => each.get(field))).size > 1 ? (facts.get(field) ?? []) : []));
}

/** @param {Run} run @param {Map<number, string>} runNames @returns {Map<string, string>} */
function factsOf(run, runNames) {
  const { settings, dataset, interventions, earlier_interventions: earlier, parent_id: parent, parent_step: step } = run;
  const facts = new Map(Object.keys(SETTINGS)
    .filter((field) => !NOT_IN_NAMES.includes(field))
    .map((field) => [field, describeSetting(field, settings[field])]));
  facts.set("dataset", dataset || String(settings.dataset));
  facts.set("start", parent && step ? `from ${runNames.get(parent) ?? `run ${parent}`} at step ${step}` : "from new weights");
  const named = interventions.slice(0, NAMED_CHANGES);
  const texts = named.map((change) => `${describeSetting(change.field, change.new)} after step ${change.step}`);
  const more = earlier + interventions.length - named.length;
  facts.set("changes", [...texts, ...(more > 0 ? [`${more} more`] : [])].join(", ") || "no changes");
  return facts;
}
