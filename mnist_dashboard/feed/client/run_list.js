/**
 * Every run of the server, for the table: fetched as a whole once, then kept up to date by the stream. It is fetched again when
 * anything could have been missed: once the stream has begun, and when a hidden tab is looked at. The server answers "not
 * modified" if nothing was.
 */
import { stream } from "./stream.js";

const RETRY_MS = 2000;

export class RunList {
  /** @type {Map<number, object>} summaries by id, see dashboard/summary.py */
  #runs = new Map();
  #told = new Set(); // ids that the stream told of while a fetch was under way: what is fetched is older
  #fetching = null;
  #again = false; // whether what is being fetched may be too old
  #tag; // of what was fetched last, the same as long as nothing has changed
  #retrying = 0;
  #subscription;
  #onChange;
  #visible = () => document.hidden || this.#load();

  loaded = false;
  problem = "";

  /** @param {(changed: object|null, before: object|undefined) => void} onChange one run, or null: all may have changed */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#subscription = stream.subscribe({ runs: [], onRun: (run) => this.#take(run), onBegun: () => this.#loadAgain() });
    document.addEventListener("visibilitychange", this.#visible);
    this.#load();
  }

  get(id) {
    return this.#runs.get(id);
  }

  /** Have the curves of these runs sent at once, while Python is still drawing the charts that will ask for them. */
  fetchCurves(ids) {
    this.#subscription.change({ runs: ids });
  }

  /** Newest first, as the table shows them when nothing is sorted. */
  all() {
    return [...this.#runs.values()].sort((a, b) => b.id - a.id);
  }

  destroy() {
    clearTimeout(this.#retrying);
    this.#fetching?.abort();
    document.removeEventListener("visibilitychange", this.#visible);
    this.#subscription.close();
  }

  #loadAgain() {
    if (this.#fetching) this.#again = true;
    else this.#load();
  }

  async #load() {
    clearTimeout(this.#retrying);
    this.#fetching?.abort();
    const fetching = (this.#fetching = new AbortController());
    this.#again = false;
    this.#told.clear();
    try {
      // Relative to this file's address, /assets/<version>/feed/client/run_list.js
      const answer = await fetch(new URL("../../../../runs.json", import.meta.url), { signal: fetching.signal });
      if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
      const tag = answer.headers.get("ETag");
      if (tag !== this.#tag || this.problem) {
        this.#replace((await answer.json()).runs);
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
    if (this.#again) this.#load();
  }

  #replace(fetched) {
    const kept = [...this.#told].map((id) => this.#runs.get(id)).filter(Boolean);
    this.#runs = new Map(fetched.filter((run) => !this.#told.has(run.id)).map((run) => [run.id, run]));
    for (const run of kept) this.#runs.set(run.id, run);
    for (const run of this.#runs.values()) {
      this.#link(run);
      stream.offer(run);
    }
    this.loaded = true;
  }

  #take(run) {
    this.#told.add(run.id);
    const before = this.#runs.get(run.id);
    if (run.deleted) this.#runs.delete(run.id);
    else this.#runs.set(run.id, this.#link(run));
    if (this.loaded) this.#onChange(run, before);
  }

  /** Lineage in words: which run it goes on from, or repeats. */
  #link(run) {
    const name = this.#runs.get(run.parent_id)?.name ?? (run.parent_id ? `run ${run.parent_id}` : "");
    run.parent = name && (run.parent_step === null ? `repeats ${name}` : `${name} at step ${run.parent_step}`);
    return run;
  }
}
