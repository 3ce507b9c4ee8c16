/**
 * The status strip: what the run is doing, in numbers, and how far it is. Painted at once from what Python knows, then from the
 * stream. It requests a rerun when a run changes its status: the buttons must follow, and a run that somebody else started
 * must appear.
 */
import { stream } from "../../feed/client/stream.js";
import { LABELS } from "../lib/constants.js";
import { make, setAttribute, setText } from "../lib/dom.js";
import { drawSoon, forgetDrawing } from "../lib/drawing.js";
import { formatAge, formatCount, formatDuration, isNumber } from "../lib/format.js";
import { Renewal, isFillingForm, requestRerun } from "../lib/page/rerun.js";
import { IDLE, isFinished, statusLabel } from "../lib/runs/status.js";
import { onThemeChange, palette } from "../lib/theme.js";
import { SentenceSlot, sentenceOf } from "./sentence.js";
import { buildStrip } from "./skeleton.js";
import { CELLS, LONG_RUN, cellTexts, detailOf, hasNoValidation, isTested, secondsLeft } from "./texts.js";

/**
 * @import { Host, Run } from "../lib/types"
 * @import { IdleRun } from "./texts.js"
 */

const TICK_MS = 1000; // the shortest time that the strip shows; new batches draw it more often
// A run that downloads nothing prepares for 0.1 s. Waiting saves a rerun when its first batch needs the cores.
const PREPARING_DELAY_MS = 700;
const REPEAT_MS = 2000;
const SPREAD_MS = 2000; // watchers follow changed settings within this time, not all at once
const FORM_MS = 500; // between two looks whether the reader is done with a form
const NUMBERS_MS = 4000; // between two reruns of a page whose numbers Python draws
const LONG_NAME = 18; // characters that fit beside the status
const LEAD_S = 0.5; // how far the clock may run ahead of the last message

/**
 * @typedef {object} StripData
 * @property {Run|null} run
 * @property {IdleRun|null} idle shown without a run
 * @property {number} smoothing
 * @property {string[]} known states of the unfinished runs when Python drew the page: a new connection begins with these runs
 * @property {boolean} follows_changes whether a rerun is needed when settings of the run were changed
 * @property {boolean} follows_numbers whether Python draws numbers of the run, which change while it trains
 * @property {boolean} follows_others whether the page moves on to another run in progress
 * @property {boolean} may_act
 * @property {boolean} compact whether a narrow page shows the most important cells only
 */

class StatusStrip {
  #data;
  #host;
  #subscription;
  #sentence;
  #elements;
  #ticking;
  #stopWatchingTheme;
  /** @type {string|null} the state for which a rerun is being requested */
  #requestedState = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #requesting;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #following;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #moving;
  #renewal = new Renewal();
  #drawnAt = Date.now();
  /** @type {Map<number, string>} states of the runs that are not shown, by id */
  #others = new Map();
  #clock = { attempt: "", base: 0, at: 0, shown: 0 };
  #ticks = "";

  /** @param {HTMLElement} root @param {StripData} data @param {Host} host */
  constructor(root, data, host) {
    this.#data = data;
    this.#host = host;
    this.#sentence = new SentenceSlot(
      (id) => this.#host.setTriggerValue("remedy", id),
      (cell) => this.#host.setTriggerValue("see", cell.join("-")),
    );
    this.#elements = buildStrip(CELLS, { about: "Run status", progress: "Training progress", sentence: this.#sentence.element });
    root.append(this.#elements.strip);
    this.#subscription = stream.subscribe({
      runs: [],
      onSeries: () => drawSoon(this.#paint),
      onRun: (run) => this.#onRun(run),
      onConnection: ({ state }) => {
        this.#renewal.follow(state, this.#host);
        this.#paint();
      },
    });
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    this.#stopWatchingTheme = onThemeChange(root, () => this.#paint());
    this.update(data, host);
  }

  /** @param {StripData} data @param {Host} host */
  update(data, host) {
    this.#data = data;
    this.#host = host;
    this.#drawnAt = Date.now();
    this.#renewal.stop();
    if (data.run) stream.addSummary(data.run);
    this.#subscription.change({ runs: data.run ? [data.run.id] : [], smoothing: data.smoothing });
    this.#followState();
    this.#paint();
  }

  destroy() {
    clearInterval(this.#ticking);
    forgetDrawing(this.#paint);
    clearTimeout(this.#requesting);
    clearTimeout(this.#following);
    clearTimeout(this.#moving);
    this.#renewal.stop();
    this.#stopWatchingTheme();
    this.#subscription.close();
    this.#elements.strip.remove();
  }

  /** @param {Run} run */
  #onRun(run) {
    if (run.id !== this.#data.run?.id) {
      this.#onOtherRun(run);
      return;
    }
    this.#followState();
    this.#followChanges(run, this.#data.run);
    if (run.status === this.#elements.strip.dataset.status) drawSoon(this.#paint);
    else this.#paint();
  }

  /** Request a rerun when the run is in another state than Python drew the page for. */
  #followState() {
    const run = this.#run();
    const state = stateOf(run);
    if (!run || state === stateOf(this.#data.run)) {
      clearTimeout(this.#requesting);
      this.#requestedState = null;
    } else if (state !== this.#requestedState) {
      this.#requestedState = state;
      this.#requestAfter(run.status === "preparing" ? PREPARING_DELAY_MS : 0);
    }
  }

  /** Request a rerun until the page has followed: a request during another rerun can get lost. @param {number} ms */
  #requestAfter(ms) {
    clearTimeout(this.#requesting);
    this.#requesting = setTimeout(() => {
      const run = this.#run();
      if (run && !this.#wouldRemoveForm()) requestRerun(this.#host, run.status);
      this.#requestAfter(REPEAT_MS);
    }, ms);
  }

  /** Whether a rerun would move on to another run while the reader fills in a form of this one. */
  #wouldRemoveForm() {
    return this.#data.follows_others && isFillingForm() && [...this.#others.values()].some((state) => isActive(state.split("/")[2]));
  }

  /** Rerun a page that Python drew with older settings or numbers of the run. @param {Run} run @param {Run} drawn as Python drew it */
  #followChanges(run, drawn) {
    const { follows_changes: settings, follows_numbers: numbers } = this.#data;
    const isOutdated = (settings && changeCount(run) !== changeCount(drawn)) || (numbers && run.revision !== drawn.revision);
    if (!isOutdated) return;
    const wait = numbers ? Math.max(0, this.#drawnAt + NUMBERS_MS - Date.now()) : SPREAD_MS * Math.random();
    this.#following ??= setTimeout(() => {
      this.#following = undefined;
      if (!this.#wouldRemoveForm()) requestRerun(this.#host, run.status);
    }, wait);
  }

  /** @param {Run} run */
  #onOtherRun(run) {
    const state = stateOf(run);
    const isNews = state !== this.#others.get(run.id) && !this.#data.known.includes(state);
    this.#others.set(run.id, state);
    if (isNews) this.#requestWhenFree(run.status);
  }

  /** @param {string} status */
  #requestWhenFree(status) {
    clearTimeout(this.#moving);
    if (!this.#wouldRemoveForm()) requestRerun(this.#host, status);
    else this.#moving = setTimeout(() => this.#requestWhenFree(status), FORM_MS);
  }

  #tick() {
    if (this.#run()?.status === "running" || stream.connection.state === "reconnecting") drawSoon(this.#paint);
  }

  /** The newest summary of the run that is shown. */
  #run() {
    return stream.run(this.#data.run?.id) ?? null;
  }

  #paint = () => {
    const run = this.#run();
    const { strip, swatch, badge, name, detail, values, bar, fill } = this.#elements;
    const { idle } = this.#data;
    const isStale = run && stream.connection.state === "reconnecting";
    const status = run?.status ?? IDLE;
    setAttribute(strip, "data-status", status);
    setAttribute(strip, "data-stale", isStale ? "" : null);
    const color = run ? palette(strip).train : "";
    if (swatch.dataset.color !== color) {
      swatch.dataset.color = color;
      swatch.style.background = color;
    }
    setText(badge, statusLabel(status));
    setText(name, run?.name ?? "No run yet");
    setAttribute(strip, "data-long", (run?.name.length ?? 0) > LONG_NAME ? "" : null);
    setText(detail, isStale ? staleText() : detailOf(run, idle));
    setAttribute(strip, "data-compact", this.#data.compact ? "" : null);
    this.#sentence.paint(sentenceOf(run, idle), this.#data.may_act);
    const elapsed = run ? this.#elapsed(run) : null;
    const left = secondsLeft(run, elapsed);
    const series = run ? stream.series(run.id) : undefined;
    cellTexts(run, idle, series, elapsed, left).forEach(([text, unit], i) => {
      setText(values[i].number, text);
      setText(values[i].unit, unit ?? "");
    });
    const total = (run ?? idle)?.total_steps ?? 0;
    setText(values[1].label, total >= LONG_RUN ? `${LABELS.STEP} of ${formatCount(total)}` : LABELS.STEP);
    setText(values[4].label, hasNoValidation(run) && !isTested(run) ? LABELS.TEST : LABELS.VALIDATION);
    setText(values[7].label, isTested(run) ? LABELS.TEST : LABELS.LEFT);
    setAttribute(strip, "data-tested", isTested(run) ? "" : null);
    const done = run?.total_steps ? Math.min(1, run.step / run.total_steps) : 0;
    fill.style.transform = `scaleX(${done})`;
    setAttribute(bar, "aria-valuenow", String(Math.round(100 * done)));
    setAttribute(bar, "aria-valuetext", `${Math.round(100 * done)} %${left === null ? "" : `, ${formatDuration(left)} left`}`);
    this.#paintTicks(run?.settings.epochs ?? idle?.epochs ?? 0);
  };

  /** @param {number} epochs */
  #paintTicks(epochs) {
    if (this.#ticks === String(epochs)) return;
    this.#ticks = String(epochs);
    const { bar, fill } = this.#elements;
    const count = epochs <= 50 ? Math.max(0, epochs - 1) : 0;
    const ticks = Array.from({ length: count }, (_, i) => make("b", "mt-strip-tick", { style: `left: ${(100 * (i + 1)) / epochs}%` }));
    bar.replaceChildren(fill, ...ticks);
  }

  /** Training time; it continues between messages and never goes back. @param {Run} run */
  #elapsed(run) {
    const timer = this.#clock;
    const attempt = `${run.id}/${run.attempt}`;
    if (timer.attempt !== attempt || timer.base !== run.elapsed_seconds) {
      if (timer.attempt !== attempt) timer.shown = 0;
      Object.assign(timer, { attempt, base: run.elapsed_seconds, at: Date.now() });
    }
    if (!isNumber(run.elapsed_seconds)) return null;
    if (isFinished(run.status)) return run.elapsed_seconds;
    const isMoving = run.status === "running" && run.step > 0 && stream.connection.state === "connected";
    const lead = isMoving ? Math.min(LEAD_S, (Date.now() - timer.at) / 1000) : 0;
    timer.shown = Math.max(timer.shown, run.elapsed_seconds + lead);
    return timer.shown;
  }
}

/** @param {Run} run */
const changeCount = (run) => run.earlier_interventions + run.interventions.length;

/** The part of a run that decides which buttons Python draws. @param {Run|null} run */
const stateOf = (run) => (run ? `${run.id}/${run.attempt}/${run.status}` : "");

/** @param {string} status */
const isActive = (status) => status !== "queued" && status !== "interrupted" && !isFinished(status);

function staleText() {
  const { lastDataAt } = stream.connection;
  return lastDataAt === null ? "Reconnecting" : `Reconnecting, data from ${formatAge((Date.now() - lastDataAt) / 1000)} ago`;
}

/** @param {HTMLElement} root @param {StripData} data @param {Host} host */
export const mount = (root, data, host) => new StatusStrip(root, data, host);
