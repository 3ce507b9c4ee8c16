/**
 * The one event stream of the page. Components say which runs they draw; this opens a single EventSource for all of them (a
 * browser allows six connections a server), keeps the series up to date and notifies the components that need to know. It is
 * closed while the tab is hidden or nobody listens, and reopened when other runs are needed: the server then sends the whole
 * history again. In a hidden tab only listeners that ask for it are served.
 */
import { PING_SECONDS } from "../../components/lib/constants.js";
import { neededConnection } from "./listeners.js";
import { RunSeries } from "./series.js";
import { newerSummary } from "./summaries.js";

/** @import { Connection, Listener } from "./listeners.js" */
/**
 * @import {
 *   AudienceMessage, EvaluationMessage, HistoryMessage, QueueMessage, Run, StepsMessage, SweepState
 * } from "../../components/lib/types"
 */

const UPDATE_DELAY_MS = 60; // one rerun of the page changes several components: reopen once
const SILENCE_MS = 3 * 1000 * PING_SECONDS; // longer silence means a broken connection
const RETRY_MS = [500, 1000, 2000, 5000]; // after refusals, and between forced reconnections

class Stream {
  /** @type {Set<Listener>} */
  #listeners = new Set();
  /** @type {Map<number, RunSeries>} by id of the run */
  #series = new Map();
  /** @type {Map<number, Run>} by id */
  #runs = new Map();
  /** @type {EventSource|null} */
  #source = null;
  /** @type {EventSource|null} the connection before, which still reports runs until the new one is ready */
  #previous = null;
  #isReady = false; // whether the source has sent all that a new connection gets
  #opened = { query: "", smoothing: NaN };
  #openedAt = 0;
  #lastEventAt = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #updating;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #retrying;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #watchdog;
  #failures = 0;
  /** @type {AudienceMessage} */
  #audience = { watching: 0, driver: null };
  /** @type {number[]} */
  #queue = [];
  /** @type {Connection} */
  #connection = { state: "connected", lastDataAt: null };
  /** @type {Connection["state"]} that listeners know of */
  #reportedState = "connected";

  constructor() {
    document.addEventListener("visibilitychange", () => this.#updateSoon());
    // A page in the back/forward cache must not hold a connection.
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", () => this.#updateSoon());
  }

  /** @param {Listener} listener @returns {{change: (options: Partial<Listener>) => void, close: () => void}} */
  subscribe(listener) {
    this.#listeners.add(listener);
    this.#updateSoon();
    return {
      change: (options) => {
        Object.assign(listener, options);
        this.#updateSoon();
      },
      close: () => {
        this.#listeners.delete(listener);
        this.#updateSoon();
      },
    };
  }

  /** @param {number} id of the run */
  series(id) {
    return this.#series.get(id);
  }

  /** The newest summary of a run, if it has arrived. @param {number|null|undefined} id */
  run(id) {
    return typeof id === "number" ? this.#runs.get(id) : undefined;
  }

  /** Ids of the queued runs, in the order they will start. */
  get queue() {
    return this.#queue;
  }

  get audience() {
    return this.#audience;
  }

  get connection() {
    return this.#connection;
  }

  /** Keep a summary that came another way (with the page), unless the stream has sent a newer one. @param {Run} run */
  addSummary(run) {
    this.#runs.set(run.id, newerSummary(this.#runs.get(run.id), run));
  }

  #updateSoon() {
    clearTimeout(this.#updating);
    this.#updating = setTimeout(() => this.#update(), UPDATE_DELAY_MS);
  }

  /** The listeners that are served at the moment. */
  #served() {
    return [...this.#listeners].filter((listener) => listener.whileHidden || !document.hidden);
  }

  /** Open, reopen or close the connection as the listeners need it. */
  #update() {
    if (!this.#served().length) {
      this.#close();
      return;
    }
    const isCurrent = neededConnection(this.#served()).query === this.#opened.query;
    if (isCurrent && (this.#source || this.#retrying !== undefined)) return;
    this.#open();
  }

  /** The connection before stays open until the new one is ready, so that a change between the two is reported once only. */
  #open() {
    const reporting = this.#isReady ? this.#source : this.#previous; // a connection that is not ready reports nothing yet
    if (reporting === this.#source) this.#source = null;
    else this.#previous = null;
    this.#close();
    this.#previous = reporting;
    const { query, ids, smoothing } = neededConnection(this.#served());
    // A tab that is hidden for a while still has its curves when it is shown again.
    if (!document.hidden) for (const id of this.#series.keys()) if (!ids.has(id)) this.#series.delete(id);
    this.#opened = { query, smoothing };
    this.#openedAt = Date.now();
    // Relative to this file's address, /assets/<version>/feed/client/stream.js
    const source = new EventSource(new URL(`../../../../live?${query}`, import.meta.url));
    this.#source = source;
    this.#listen(source);
    this.#watchdog = setInterval(() => {
      if (Date.now() - Math.max(this.#lastEventAt, this.#openedAt) < SILENCE_MS) return;
      this.#onLost();
      this.#retry();
    }, 1000);
  }

  /** @param {EventSource} source */
  #listen(source) {
    /** @type {Record<string, (message: any) => void>} */
    const handlers = {
      history: (message) => this.#onHistory(message),
      steps: (message) => this.#onSteps(message),
      evaluation: (message) => this.#onEvaluation(message),
      run: (message) => this.#onRun(message),
      queue: (message) => this.#onQueue(message),
      sweep: (message) => this.#onSweep(message, true),
      trials: (message) => this.#onSweep(message, false),
      audience: (message) => this.#onAudience(message),
      ping: () => {},
    };
    for (const [type, handle] of Object.entries(handlers)) {
      source.addEventListener(type, (event) => {
        if (source === this.#previous && (type === "run" || type === "queue")) handle(JSON.parse(event.data));
        if (source !== this.#source) return; // closed while this event was on its way
        if (type === "audience") this.#onReady(); // the last of what a new connection gets
        this.#onAlive();
        handle(JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      if (source === this.#previous) this.#closePrevious();
      if (source !== this.#source) return;
      this.#isReady = false;
      this.#onLost();
      // The browser retries a broken connection by itself, with the last event id, but gives up on a refusal.
      if (source.readyState === EventSource.CLOSED) this.#retry();
    });
  }

  #onReady() {
    if (this.#isReady) return;
    this.#isReady = true;
    const hasGap = !this.#previous;
    this.#closePrevious();
    if (hasGap) for (const listener of this.#listeners) listener.onReady?.();
  }

  #closePrevious() {
    this.#previous?.close();
    this.#previous = null;
  }

  #close() {
    this.#closePrevious();
    clearInterval(this.#watchdog);
    clearTimeout(this.#retrying);
    this.#retrying = undefined;
    this.#source?.close();
    this.#source = null;
    this.#isReady = false;
  }

  /** Reopen after a pause that grows with every failure in a row. */
  #retry() {
    this.#close();
    const wait = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
    this.#retrying = setTimeout(() => {
      this.#retrying = undefined;
      if (this.#served().length) this.#open();
    }, wait);
  }

  #onAlive() {
    this.#lastEventAt = Date.now();
    this.#connection = { state: "connected", lastDataAt: this.#lastEventAt };
    this.#reportState();
  }

  #onLost() {
    this.#connection = { ...this.#connection, state: "reconnecting" };
    this.#reportState();
  }

  #reportState() {
    if (this.#reportedState === this.#connection.state) return;
    this.#reportedState = this.#connection.state;
    for (const listener of this.#listeners) listener.onConnection?.(this.#connection);
  }

  /** @param {HistoryMessage} message */
  #onHistory(message) {
    this.#failures = 0;
    const series = this.#series.get(message.run) ?? new RunSeries(message.run, this.#opened.smoothing);
    series.replace(message, this.#opened.smoothing);
    this.#series.set(message.run, series);
    this.#reportSeries(series);
  }

  /** @param {StepsMessage} message */
  #onSteps(message) {
    const series = this.#series.get(message.run);
    if (series?.append(message)) this.#reportSeries(series);
    else this.#retry(); // a gap or another attempt: a new connection starts with the history
  }

  /** @param {EvaluationMessage} message */
  #onEvaluation(message) {
    const series = this.#series.get(message.run);
    if (series?.addEvaluation(message)) this.#reportSeries(series);
    else this.#retry();
  }

  /** @param {Run} run */
  #onRun(run) {
    this.#runs.set(run.id, run);
    for (const listener of this.#listeners) listener.onRun?.(run);
  }

  /** @param {QueueMessage} message */
  #onQueue({ runs }) {
    this.#queue = runs;
    for (const listener of this.#listeners) listener.onQueue?.();
  }

  /** @param {SweepState} message @param {boolean} isWhole */
  #onSweep(message, isWhole) {
    this.#failures = 0;
    for (const listener of this.#listeners) if (listener.sweep === message.sweep) listener.onSweep?.(message, isWhole);
  }

  /** @param {AudienceMessage} audience */
  #onAudience(audience) {
    this.#audience = audience;
    for (const listener of this.#listeners) listener.onAudience?.(audience);
  }

  /** @param {RunSeries} series */
  #reportSeries(series) {
    for (const listener of this.#listeners) if (listener.runs.includes(series.run)) listener.onSeries?.(series);
  }
}

export const stream = new Stream();

/** Key in the browser's storage, which has a value if notifications are on. */
export const NOTIFICATIONS_KEY = "mnist-notifications";
// Off in most browsers, which then do without the module.
if (localStorage.getItem(NOTIFICATIONS_KEY)) import("./background/run_ends.js");
