/** Objects for the tests of the browser's modules, complete and unremarkable but for what a test sets. */

/** @import { ListedRun } from "../../../mnist_dashboard/feed/client/run_list.js" */
/** @import { Intervention, Settings } from "../../../mnist_dashboard/components/lib/types" */

/**
 * A completed run.
 * @param {Partial<Omit<ListedRun, "settings">> & {settings?: Partial<Settings>}} [fields]
 * @returns {ListedRun}
 */
export function makeRun({ settings, ...fields } = {}) {
  const id = fields.id ?? 1;
  return {
    id,
    revision: 1,
    name: `run-${id}`,
    status: "completed",
    attempt: 1,
    reason: "",
    notice: "",
    dataset: "mnist",
    train_images: 54_000,
    validation_images: 6_000,
    test_images: 10_000,
    total_steps: 2_532,
    step: 2_532,
    epoch: 3,
    loss: 0.1,
    accuracy: 0.97,
    examples_per_second: 4_000,
    elapsed_seconds: 42,
    validation_accuracy: 0.975,
    best_validation_accuracy: 0.98,
    test_accuracy: 0.979,
    test_loss: 0.07,
    started_at: 1_700_000_000,
    queue_position: null,
    after: null,
    settings: { ...SETTINGS, ...definedOnly(settings) },
    interventions: [],
    earlier_interventions: 0,
    unverified: false,
    parent_id: null,
    sweep_id: null,
    race_id: null,
    parent_step: null,
    epoch_ends: [844, 1_688, 2_532],
    seed_group: "a",
    notes: "",
    tags: [],
    starred: false,
    archived: false,
    deleted: false,
    curve: [],
    ...fields,
  };
}

/** @type {Settings} */
const SETTINGS = { batch_size: 64, epochs: 3, lr: 0.01, momentum: 0.5, seed: 1, model: "classic", optimizer: "sgd", save_model: false };

/** @param {Partial<Settings>} [settings] @returns {Record<string, string|number|boolean>} */
function definedOnly(settings = {}) {
  return Object.fromEntries(Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** @param {Partial<Intervention>} [fields] @returns {Intervention} */
export const makeIntervention = (fields) => ({ step: 1_180, field: "lr", old: 0.01, new: 0.05, at: 1_700_000_000, by: "owner", ...fields });
