/** The x axes of the charts: steps, epochs, images seen, training time. Pure. */
import { LABELS } from "../../../lib/constants.js";
import { formatCount, formatDuration } from "../../../lib/format.js";

/**
 * @import { RunSeries } from "../../../../feed/client/series.js"
 * @import { Run } from "../../../lib/types"
 */

/** @typedef {"step"|"epoch"|"images"|"time"} Axis */

/**
 * @typedef {object} XAxis
 * @property {string} title
 * @property {string} hover head of the hover box, for Plotly
 * @property {string} ticks format of the ticks, for Plotly
 * @property {(x: number) => string} format
 * @property {number} empty end of the axis while nothing is drawn
 */

/** @type {Record<Axis, XAxis>} */
export const X_AXES = {
  step: { title: "Step (batches trained)", hover: "Step %{x:,d}", ticks: ",d", format: (x) => `step ${formatCount(x)}`, empty: 1000 },
  epoch: { title: "Epoch", hover: "Epoch %{x:.2f}", ticks: "~g", format: (x) => `epoch ${x.toFixed(1)}`, empty: 3 },
  images: { title: "Images seen", hover: "%{x:,d} images", ticks: "~s", format: (x) => `${formatCount(x)} images`, empty: 60_000 },
  time: { title: `${LABELS.DURATION} (s)`, hover: "%{x:,.1f} s", ticks: ",~g", format: formatDuration, empty: 60 },
};

/** @typedef {Pick<Run, "epoch_ends"|"train_images"|"settings"|"interventions">} EpochPlan */

/**
 * The function from a step of a run to its position on an axis; null where the position is unknown.
 * @param {Axis} axis
 * @param {Pick<RunSeries, "x"|"elapsed_seconds">} series
 * @param {EpochPlan|undefined} run undefined if its summary has not arrived
 * @returns {(step: number) => number|null}
 */
export function stepToX(axis, series, run) {
  if (axis === "step") return (step) => step;
  if (axis === "time") return (step) => interpolate(series.x, series.elapsed_seconds, step);
  if (!run?.train_images) return () => null;
  const { steps, images } = imagesSeen(run);
  const unit = axis === "images" ? 1 : run.train_images;
  return (step) => {
    const seen = interpolate(steps, images, step);
    return seen === null ? null : seen / unit;
  };
}

/** Images seen at the ends of epochs and wherever the batch size was changed; straight in between. @param {EpochPlan} run */
function imagesSeen({ epoch_ends: ends, train_images, settings, interventions }) {
  const changes = interventions.filter(({ field }) => field === "batch_size");
  const steps = [0];
  const images = [0];
  const last = () => ({ step: steps[steps.length - 1], count: images[images.length - 1] });
  /** @param {number} step @param {number} count */
  const add = (step, count) => {
    if (step <= last().step) return;
    steps.push(step);
    images.push(count);
  };
  let size = changes[0]?.old ?? settings.batch_size;
  ends.forEach((end, epoch) => {
    for (const change of changes.filter(({ step }) => step > (ends[epoch - 1] ?? 0) && step < end)) {
      add(change.step, last().count + size * (change.step - last().step));
      size = change.new;
    }
    // The last batch of an epoch is smaller: the line is straight up to it.
    add(end - 1, Math.min(last().count + size * (end - 1 - last().step), (epoch + 1) * train_images));
    add(end, (epoch + 1) * train_images);
    size = changes.findLast(({ step }) => step <= end)?.new ?? size;
  });
  return { steps, images };
}

/**
 * The value of a line at a position between its points; null beyond its end, or where a neighbour has no value.
 * @param {(number|null)[]} xs ascending @param {(number|null)[]} ys @param {number|null} x
 */
export function interpolate(xs, ys, x) {
  const end = xs.at(-1) ?? null;
  if (x === null || end === null || x < 0 || x > end) return null;
  let [low, high] = [0, xs.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((xs[middle] ?? 0) < x) low = middle + 1;
    else high = middle;
  }
  if (xs[low] === x || low === 0) return ys[low] ?? null; // before the first point: the first
  const [x0, x1, y0, y1] = [xs[low - 1], xs[low], ys[low - 1], ys[low]];
  if (x0 === null || x1 === null || y0 === null || y1 === null) return null;
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}
