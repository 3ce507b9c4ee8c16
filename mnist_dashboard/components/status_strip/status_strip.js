/**
 * The status strip: what the run is doing, in numbers, and how far it is. Painted at once from what Python knows, then from the
 * stream. Asks Python for one rerun when the run changes its state, so that the buttons follow, or when another one does: a run
 * started in a terminal, or by somebody else, has to show up.
 */
import { make, setAttribute, setText } from "../lib/dom.js";
import { MISSING, age, clock, known, loss, percent, whole } from "../lib/format.js";
import { askForRerun } from "../lib/rerun.js";
import { IDLE, isFinished, label } from "../lib/runs/status.js";
import { stream } from "../../feed/client/stream.js";
import { palette, runColor, watchTheme } from "../lib/theme.js";

const TICK_MS = 250;
const LONG = 10000; // steps from which on the total no longer fits beside the step
// Unless it downloads, a run prepares for a tenth of a second: one rerun less just when its first batch wants the cores.
const PREPARING_MS = 700;
const AGAIN_MS = 2000;
const FIRST_MS = 3000; // a new connection begins with all unfinished runs, of which Python knew
const SPREAD_MS = 2000; // watchers follow changed settings within this time, not all at once
const LEAD_S = 0.5; // how far the clock may run ahead of the last message
const CELLS = ["Epoch", "Step", "Train loss", "Train accuracy", "Validation", "Speed", "Elapsed", "Left"];

/**
 * @typedef {object} StripData
 * @property {object|null} run summary, as in the stream's `run` event
 * @property {{epochs: number, total_steps: number, detail: string}|null} idle
 * @property {number} smoothing
 * @property {number} color_index
 * @property {boolean} follows_changes whether Python draws anew when the run's settings were changed
 */

class Strip {
  #data;
  #host;
  #subscription;
  #elements;
  #timer;
  #unwatch;
  #asked = null; // the state Python is being told of
  #asking = 0;
  #following = 0;
  #others = new Map(); // states of the runs that are not shown
  #mountedAt = Date.now();
  #clock = { attempt: "", base: 0, at: 0, shown: 0 };
  #ticks = "";

  constructor(root, data, host) {
    this.#elements = build(root);
    this.#subscription = stream.subscribe({
      runs: [],
      onSeries: () => this.#paint(),
      onRun: (run) => this.#onRun(run),
      onConnection: () => this.#paint(),
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#unwatch = watchTheme(root, () => this.#paint());
    this.update(data, host);
  }

  /** @param {StripData} data */
  update(data, host) {
    this.#data = data;
    this.#host = host;
    if (data.run) stream.offer(data.run);
    this.#subscription.change({ runs: data.run ? [data.run.id] : [], smoothing: data.smoothing });
    this.#followState();
    this.#paint();
  }

  destroy() {
    clearInterval(this.#timer);
    clearTimeout(this.#asking);
    clearTimeout(this.#following);
    this.#unwatch();
    this.#subscription.close();
    this.#elements.strip.remove();
  }

  #onRun(run) {
    if (run.id !== this.#data.run?.id) {
      this.#onOther(run);
      return;
    }
    this.#followState();
    this.#followChanges(run);
    this.#paint();
  }

  /** Have Python follow when the run is in another state than it drew the page for. */
  #followState() {
    const run = this.#run();
    const now = state(run);
    if (now === state(this.#data.run)) {
      clearTimeout(this.#asking);
      this.#asked = null;
    } else if (now !== this.#asked) {
      this.#asked = now;
      this.#askAfter(run.status === "preparing" ? PREPARING_MS : 0);
    }
  }

  /** Ask for a rerun, and again until the page has followed: one may be lost in another that is going on. */
  #askAfter(ms) {
    clearTimeout(this.#asking);
    this.#asking = setTimeout(() => {
      askForRerun(this.#host, this.#run().status);
      this.#askAfter(AGAIN_MS);
    }, ms);
  }

  /** Have a watcher's page show settings that were changed by hand as well. */
  #followChanges(run) {
    if (!this.#data.follows_changes || run.interventions.length === this.#data.run.interventions.length) return;
    this.#following ||= setTimeout(() => {
      this.#following = 0;
      askForRerun(this.#host, run.status);
    }, SPREAD_MS * Math.random());
  }

  #onOther(run) {
    const before = this.#others.get(run.id);
    const now = state(run);
    this.#others.set(run.id, now);
    if (before === now) return;
    const knew = before === undefined && this.#data.run && Date.now() - this.#mountedAt < FIRST_MS;
    if (!knew) askForRerun(this.#host, run.status);
  }

  #tick() {
    const run = this.#run();
    if (run?.status === "running" || stream.connection.state === "reconnecting") this.#paint();
  }

  /** The newest summary there is of the run that is shown. */
  #run() {
    return this.#data.run && stream.run(this.#data.run.id);
  }

  #paint() {
    const run = this.#run();
    const { strip, swatch, badge, name, detail, values, bar, fill } = this.#elements;
    const { idle } = this.#data;
    const stale = run && stream.connection.state === "reconnecting";
    const status = run?.status ?? IDLE;
    setAttribute(strip, "data-status", status);
    setAttribute(strip, "data-stale", stale ? "" : null);
    const color = run ? runColor(palette(strip), this.#data.color_index) : "";
    if (swatch.dataset.color !== color) {
      swatch.dataset.color = color;
      swatch.style.background = color;
    }
    setText(badge, label(status));
    for (const [element, text] of [[name, run?.name ?? "No run yet"], [detail, stale ? staleText() : detailOf(run, idle)]]) {
      setText(element, text);
      setAttribute(element, "title", text);
    }
    const elapsed = run ? this.#elapsed(run) : null;
    const left = leftOf(run, elapsed);
    const series = run && stream.series(run.id);
    valuesOf(run, idle, series, elapsed, left).forEach(([text, unit], i) => {
      setText(values[i].number, text);
      setText(values[i].unit, unit ?? "");
    });
    const total = run ? run.total_steps : idle?.total_steps;
    setText(values[1].label, total >= LONG ? `Step of ${whole(total)}` : "Step");
    setText(values[4].label, hasNoValidation(run) ? "Test" : "Validation");
    const done = run?.total_steps ? Math.min(1, run.step / run.total_steps) : 0;
    fill.style.transform = `scaleX(${done})`;
    setAttribute(bar, "aria-valuenow", String(Math.round(100 * done)));
    setAttribute(bar, "aria-valuetext", `${Math.round(100 * done)} %${left === null ? "" : `, ${clock(left)} left`}`);
    this.#paintTicks(run?.settings.epochs ?? idle?.epochs ?? 0);
  }

  #paintTicks(epochs) {
    if (this.#ticks === String(epochs)) return;
    this.#ticks = String(epochs);
    const { bar, fill } = this.#elements;
    const ticks = Array.from({ length: Math.max(0, epochs - 1) }, (_, i) => make("b", "mt-strip-tick", { style: `left: ${(100 * (i + 1)) / epochs}%` }));
    bar.replaceChildren(fill, ...(epochs <= 50 ? ticks : []));
  }

  /** Training time; between messages it goes on by itself, and never back. */
  #elapsed(run) {
    const timer = this.#clock;
    const attempt = `${run.id}/${run.attempt}`;
    if (timer.attempt !== attempt || timer.base !== run.elapsed_seconds) {
      if (timer.attempt !== attempt) timer.shown = 0;
      Object.assign(timer, { attempt, base: run.elapsed_seconds, at: Date.now() });
    }
    if (!known(run.elapsed_seconds)) return null;
    if (isFinished(run.status)) return run.elapsed_seconds;
    const runs = run.status === "running" && run.step > 0 && stream.connection.state === "connected";
    const lead = runs ? Math.min(LEAD_S, (Date.now() - timer.at) / 1000) : 0;
    timer.shown = Math.max(timer.shown, run.elapsed_seconds + lead);
    return timer.shown;
  }
}

/** What makes Python draw other buttons. */
const state = (run) => (run ? `${run.id}/${run.attempt}/${run.status}` : "");

function staleText() {
  const { lastDataAt } = stream.connection;
  return lastDataAt === null ? "Reconnecting" : `Reconnecting, data from ${age((Date.now() - lastDataAt) / 1000)} ago`;
}

function detailOf(run, idle) {
  if (!run) return idle?.detail ?? "";
  if (run.status === "queued" && run.queue_position) {
    return `Position ${run.queue_position} in the queue${run.after ? `, after ${run.after}` : ""}`;
  }
  if (run.notice && !isFinished(run.status)) return run.notice;
  const sizes = [[run.train_images, "train"], [run.validation_images, "validation"]].filter(([n]) => n);
  return [run.dataset, ...sizes.map(([n, word]) => `${whole(n)} ${word}`)].filter(Boolean).join(", ");
}

function leftOf(run, elapsed) {
  if (!run || !["running", "paused", "stopping"].includes(run.status) || !run.step || !known(elapsed)) return null;
  return (elapsed / run.step) * Math.max(0, run.total_steps - run.step);
}

/** Known only once the data are prepared. */
const hasNoValidation = (run) => run?.train_images > 0 && run.validation_images === 0;

const ofTotal = (steps) => (steps >= LONG ? "" : `/ ${steps ? whole(steps) : MISSING}`);

/** Texts and units of the cells, in the order of CELLS. */
function valuesOf(run, idle, series, elapsed, left) {
  if (!run) {
    const rest = Array.from({ length: 6 }, () => [MISSING]);
    return [["0", `/ ${idle?.epochs ?? MISSING}`], ["0", ofTotal(idle?.total_steps)], ...rest];
  }
  const smooth = (field) => (series?.step ? series.smoothed(field) : run[field]);
  const diverged = run.status === "diverged" && !known(run.loss);
  const moves = ["running", "stopping", "completed", "stopped"].includes(run.status);
  const speed = moves && run.examples_per_second > 0 ? run.examples_per_second : null;
  return [
    [String(run.step ? Math.min(run.settings.epochs, run.epoch || 1) : 0), `/ ${run.settings.epochs}`],
    [whole(run.step), ofTotal(run.total_steps)],
    [diverged ? "NaN" : loss(smooth("loss"))],
    [percent(smooth("accuracy"))],
    [percent(hasNoValidation(run) ? run.test_accuracy : run.validation_accuracy)],
    [whole(speed), speed ? "img/s" : ""],
    [run.step ? clock(elapsed) : MISSING],
    [clock(left)],
  ];
}

function build(root) {
  const swatch = make("span", "mt-strip-swatch", { "aria-hidden": "true" });
  const badge = make("span", "mt-strip-badge", { role: "status" });
  const name = make("span", "mt-strip-name");
  const detail = make("div", "mt-strip-detail");
  const values = CELLS.map((text) => ({
    label: make("div", "mt-strip-label", {}, text),
    number: make("span"),
    unit: make("small"),
  }));
  const cells = values.map((v) => make("div", "", {}, v.label, make("div", "mt-strip-value", {}, v.number, v.unit)));
  const fill = make("i", "mt-strip-fill");
  const bar = make("div", "mt-strip-bar", {
    role: "progressbar",
    "aria-label": "Training progress",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  }, fill);
  const run = make("div", "mt-strip-run", {}, make("div", "mt-strip-head", {}, swatch, badge, name), detail);
  const strip = make("section", "mt-strip", { "aria-label": "Run status" }, make("div", "mt-strip-row", {}, run, ...cells), bar);
  root.append(strip);
  return { strip, swatch, badge, name, detail, values, bar, fill };
}

export const mount = (root, data, host) => new Strip(root, data, host);
