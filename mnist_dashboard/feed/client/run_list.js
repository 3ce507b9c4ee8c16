/**
 * Every run of the server, for the table: fetched as a whole once, then kept up to date by the stream. It is fetched again when
 * changes may have been missed: once the stream is ready, and when a hidden tab becomes visible. The server answers "not
 * modified" if nothing has changed.
 */
import { RUN_STATUSES } from "../../components/lib/constants.js";
import { readRows } from "./run_rows.js";
import { stream } from "./stream.js";

/** @import { Run } from "../../components/lib/types" */
/**
 * @typedef {Run & {parent?: string, own_digits?: string}} ListedRun `parent` is the lineage in words, `own_digits` how many of the
 *   kept drawings it reads right
 */

const RETRY_MS = 2000;
const JUDGED_MS = 8000; // after a run has ended, it has read the kept drawings

export class RunList {
  /** @type {Map<number, ListedRun>} by id */
  #runs = new Map();
  /** @type {ListedRun[]|null} newest first; null after a change */
  #sorted = null;
  /** @type {Set<number>} ids of runs that changed during a fetch: the fetched summaries of these are older */
  #changedMeanwhile = new Set();
  /** @type {AbortController|null} */
  #fetching = null;
  #mustReload = false; // what is being fetched may be too old
  /** @type {string|null} */
  #tag = null; // ETag of the last list: the same as long as nothing has changed
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #retrying;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #judging;
  /** @type {Record<string, [right: number, drawings: number]>} by id */
  #scores = {};
  #subscription;
  #onChange;
  #onVisibility = () => {
    if (document.hidden) return;
    this.#load();
    this.#loadScores();
  };

  loaded = false;
  problem = "";

  /** @param {(run: ListedRun|null, before?: ListedRun) => void} onChange one changed run, or null: all may have changed */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#subscription = stream.subscribe({ runs: [], onRun: (run) => this.#onRun(run), onReady: () => this.#loadAgain() });
    document.addEventListener("visibilitychange", this.#onVisibility);
    this.#load();
    this.#loadScores();
  }

  /** @param {number|null} id */
  get(id) {
    return id === null ? undefined : this.#runs.get(id);
  }

  /** Fetch the curves of these runs at once, while Python still draws the charts that need them. @param {number[]} ids */
  fetchCurves(ids) {
    this.#subscription.change({ runs: ids });
  }

  /** Newest first, as the table shows them when it is not sorted. */
  all() {
    return (this.#sorted ??= [...this.#runs.values()].sort((a, b) => b.id - a.id));
  }

  destroy() {
    clearTimeout(this.#retrying);
    clearTimeout(this.#judging);
    this.#fetching?.abort();
    document.removeEventListener("visibilitychange", this.#onVisibility);
    this.#subscription.close();
  }

  #loadAgain() {
    if (this.#fetching) this.#mustReload = true;
    else this.#load();
  }

  async #load() {
    clearTimeout(this.#retrying);
    this.#fetching?.abort();
    const fetching = (this.#fetching = new AbortController());
    this.#mustReload = false;
    this.#changedMeanwhile.clear();
    try {
      // Relative to this file's address, /assets/<version>/feed/client/run_list.js
      const response = await fetch(new URL("../../../../runs.json", import.meta.url), { signal: fetching.signal });
      if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
      const tag = response.headers.get("ETag");
      if (tag !== this.#tag || this.problem) {
        this.#replace(readRows(await response.json()));
        this.#tag = tag;
        this.problem = "";
        this.#onChange(null);
      }
    } catch (error) {
      if (fetching.signal.aborted) return;
      console.warn("MNIST Trainer: the list of runs could not be loaded.", error);
      this.problem = "The list of runs could not be loaded. Trying again.";
      this.#retrying = setTimeout(() => this.#load(), RETRY_MS);
      this.#onChange(null);
    }
    this.#fetching = null;
    if (this.#mustReload) this.#load();
  }

  /** Fetch what the runs make of the kept drawings; without an answer the table has what it had. */
  async #loadScores() {
    try {
      const response = await fetch(new URL("../../../../drawings.json", import.meta.url));
      if (!response.ok) return;
      const { scores } = await response.json();
      if (JSON.stringify(scores) === JSON.stringify(this.#scores)) return;
      this.#scores = scores;
    } catch (error) {
      console.warn("MNIST Trainer: the scores on kept drawings could not be loaded.", error);
      return;
    }
    for (const run of this.#runs.values()) this.#describe(run);
    if (this.loaded) this.#onChange(null);
  }

  /** @param {ListedRun[]} fetched */
  #replace(fetched) {
    const newer = [...this.#changedMeanwhile].map((id) => this.#runs.get(id)).filter((run) => run !== undefined);
    const older = fetched.filter((run) => !this.#changedMeanwhile.has(run.id));
    this.#runs = new Map([...older, ...newer].map((run) => [run.id, run]));
    for (const run of this.#runs.values()) this.#describe(run);
    this.#sorted = null;
    this.loaded = true;
  }

  /** @param {ListedRun} run */
  #onRun(run) {
    this.#changedMeanwhile.add(run.id);
    const before = this.#runs.get(run.id);
    this.#sorted = null;
    if (run.deleted) this.#runs.delete(run.id);
    else this.#runs.set(run.id, this.#describe(run));
    if (before && before.status !== run.status && RUN_STATUSES[run.status]?.is_finished) {
      clearTimeout(this.#judging);
      this.#judging = setTimeout(() => this.#loadScores(), JUDGED_MS);
    }
    if (this.loaded) this.#onChange(run, before);
  }

  /** Say which run this one continues or repeats, and how many kept drawings it reads right. @param {ListedRun} run */
  #describe(run) {
    const name = this.get(run.parent_id)?.name ?? (run.parent_id ? `run ${run.parent_id}` : "");
    run.parent = name && (run.parent_step === null ? `replays ${name}` : `${name} at step ${run.parent_step}`);
    const score = this.#scores[run.id];
    run.own_digits = score && `${score[0]} of ${score[1]}`;
    return run;
  }
}
