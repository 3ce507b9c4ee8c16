/**
 * The one event stream of the page. Components say which runs they draw; this opens a single EventSource for all of them (a
 * browser allows six connections a server), keeps the series up to date and tells who is concerned. It is closed while the tab
 * is hidden or nobody listens, and opened anew when what is wanted changes: the server then sends the whole history again.
 */
import { DEFAULT_SMOOTHING } from "../../components/lib/constants.js";
import { RunSeries } from "./series.js";

const SETTLE_MS = 60; // one rerun of the page changes several components: reopen once
const SILENCE_MS = 6000; // the server pings every 2 s
const RETRY_MS = [500, 1000, 2000, 5000]; // after refusals, and between forced reconnections

/**
 * @typedef {object} Listener
 * @property {number[]} runs ids whose series it draws
 * @property {number} [smoothing] the connection has one; a component without an opinion leaves it out
 * @property {(series: RunSeries) => void} [onSeries]
 * @property {(summary: object) => void} [onRun] for every run of the server, not only for `runs`
 * @property {(audience: {watching: number, driver: string|null}) => void} [onAudience]
 * @property {(connection: {state: "connected"|"reconnecting", lastDataAt: number|null}) => void} [onConnection]
 * @property {() => void} [onBegun] it is told of every run from now on, and may have missed what was said before
 */

class Stream {
  /** @type {Set<Listener>} */
  #listeners = new Set();
  /** @type {Map<number, RunSeries>} */
  #series = new Map();
  /** @type {Map<number, object>} */
  #runs = new Map();
  /** @type {EventSource|null} */
  #source = null;
  /** @type {EventSource|null} */
  #leaving = null;
  #begun = false; // whether the source has said all that a newcomer is told
  #opened = { runs: "", smoothing: NaN };
  #openedAt = 0;
  #lastEventAt = 0;
  #settling = 0;
  #retrying = 0;
  #failures = 0;
  #watchdog = 0;
  #audience = { watching: 0, driver: null };
  #connection = { state: "connected", lastDataAt: null };

  constructor() {
    document.addEventListener("visibilitychange", () => this.#settle());
    // A page in the back/forward cache must not hold a connection.
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", () => this.#settle());
  }

  /** @param {Listener} listener @returns {{change: (wanted: Partial<Listener>) => void, close: () => void}} */
  subscribe(listener) {
    this.#listeners.add(listener);
    this.#settle();
    return {
      change: (wanted) => {
        Object.assign(listener, wanted);
        this.#settle();
      },
      close: () => {
        this.#listeners.delete(listener);
        this.#settle();
      },
    };
  }

  /** @returns {RunSeries|undefined} */
  series(run) {
    return this.#series.get(run);
  }

  run(id) {
    return this.#runs.get(id);
  }

  get audience() {
    return this.#audience;
  }

  get connection() {
    return this.#connection;
  }

  /** Take a summary that came by another way (with the page), unless the stream has told newer. */
  offer(summary) {
    if (!(summary.revision < this.#runs.get(summary.id)?.revision)) this.#runs.set(summary.id, summary);
  }

  #settle() {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#adjust(), SETTLE_MS);
  }

  #wanted() {
    const listeners = [...this.#listeners];
    const runs = [...new Set(listeners.flatMap((l) => l.runs))].sort((a, b) => a - b);
    const smoothing = listeners.findLast((l) => l.smoothing !== undefined)?.smoothing ?? DEFAULT_SMOOTHING;
    return { runs: runs.join(), smoothing, ids: new Set(runs) };
  }

  #adjust() {
    if (!this.#listeners.size || document.hidden) {
      this.#close();
      return;
    }
    const { runs, smoothing } = this.#wanted();
    const asWanted = runs === this.#opened.runs && smoothing === this.#opened.smoothing;
    if (asWanted && (this.#source || this.#retrying)) return;
    this.#open();
  }

  /** The connection before goes on telling of runs until the new one has begun: an edit between the two is told once only. */
  #open() {
    const telling = this.#begun ? this.#source : this.#leaving; // what has not begun tells nothing yet
    if (telling === this.#source) this.#source = null;
    else this.#leaving = null;
    this.#close();
    this.#leaving = telling;
    const { runs, smoothing, ids } = this.#wanted();
    for (const run of this.#series.keys()) if (!ids.has(run)) this.#series.delete(run);
    this.#opened = { runs, smoothing };
    this.#openedAt = Date.now();
    // Relative to this file's address, /assets/<version>/feed/client/stream.js
    const source = new EventSource(new URL(`../../../../live?runs=${runs}&smoothing=${smoothing}`, import.meta.url));
    this.#source = source;
    const handlers = {
      history: (message) => this.#history(message),
      steps: (message) => this.#steps(message),
      evaluation: (message) => this.#evaluation(message),
      run: (message) => this.#summary(message),
      audience: (message) => this.#heard(message),
      ping: () => {},
    };
    for (const [type, handle] of Object.entries(handlers)) {
      source.addEventListener(type, (event) => {
        if (source === this.#leaving && type === "run") this.#summary(JSON.parse(event.data));
        if (source !== this.#source) return; // closed while this event was on its way
        if (type === "audience") this.#begin(); // the last of what a newcomer is told
        this.#alive();
        handle(JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      if (source === this.#leaving) this.#leave();
      if (source !== this.#source) return;
      this.#begun = false;
      this.#lost();
      // The browser retries a broken connection by itself, with the last event id, but gives up on a refusal.
      if (source.readyState === EventSource.CLOSED) this.#retry();
    });
    this.#watchdog = setInterval(() => {
      if (Date.now() - Math.max(this.#lastEventAt, this.#openedAt) < SILENCE_MS) return;
      this.#lost();
      this.#retry();
    }, 1000);
  }

  #begin() {
    if (this.#begun) return;
    this.#begun = true;
    const missed = !this.#leaving;
    this.#leave();
    if (missed) for (const listener of this.#listeners) listener.onBegun?.();
  }

  #leave() {
    this.#leaving?.close();
    this.#leaving = null;
  }

  #close() {
    this.#leave();
    clearInterval(this.#watchdog);
    clearTimeout(this.#retrying);
    this.#retrying = 0;
    this.#source?.close();
    this.#source = null;
    this.#begun = false;
  }

  /** Open anew after a pause that grows with every failure in a row. */
  #retry() {
    this.#close();
    const wait = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
    this.#retrying = setTimeout(() => {
      this.#retrying = 0;
      if (this.#listeners.size && !document.hidden) this.#open();
    }, wait);
  }

  #alive() {
    this.#lastEventAt = Date.now();
    this.#connection = { state: "connected", lastDataAt: this.#lastEventAt };
    if (this.#told === "connected") return;
    this.#tell();
  }

  #lost() {
    this.#connection = { ...this.#connection, state: "reconnecting" };
    if (this.#told !== "reconnecting") this.#tell();
  }

  #told = "connected";
  #tell() {
    this.#told = this.#connection.state;
    for (const listener of this.#listeners) listener.onConnection?.(this.#connection);
  }

  #history(message) {
    this.#failures = 0;
    const series = this.#series.get(message.run) ?? new RunSeries(message.run, this.#opened.smoothing);
    series.replace(message, this.#opened.smoothing);
    this.#series.set(message.run, series);
    this.#changed(series);
  }

  #steps(message) {
    const series = this.#series.get(message.run);
    if (series?.append(message)) this.#changed(series);
    else this.#retry(); // a gap or another attempt: a new connection starts with the history
  }

  #evaluation(message) {
    const series = this.#series.get(message.run);
    if (series?.addEvaluation(message)) this.#changed(series);
    else this.#retry();
  }

  #summary(message) {
    this.#runs.set(message.id, message);
    for (const listener of this.#listeners) listener.onRun?.(message);
  }

  #heard(audience) {
    this.#audience = audience;
    for (const listener of this.#listeners) listener.onAudience?.(audience);
  }

  /** @param {RunSeries} series */
  #changed(series) {
    for (const listener of this.#listeners) if (listener.runs.includes(series.run)) listener.onSeries?.(series);
  }
}

export const stream = new Stream();
