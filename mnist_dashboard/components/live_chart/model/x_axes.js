/** What the charts can be drawn over: steps, epochs, images seen, training time. Pure. */
import { clock, whole } from "../../lib/format.js";

/**
 * @typedef {object} XAxis
 * @property {string} title
 * @property {string} hover head of the hover box, for Plotly
 * @property {string} format of the ticks, for Plotly
 * @property {(x: number) => string} write
 */

/** @type {Object<string, XAxis>} */
export const X_AXES = {
  step: { title: "Step (batches trained)", hover: "Step %{x:,d}", format: ",d", write: (x) => `step ${whole(x)}` },
  epoch: { title: "Epoch", hover: "Epoch %{x:.2f}", format: "~g", write: (x) => `epoch ${x.toFixed(1)}` },
  images: { title: "Images seen", hover: "%{x:,d} images", format: "~s", write: (x) => `${whole(x)} images` },
  time: { title: "Training time (seconds)", hover: "%{x:,.1f} s", format: ",~g", write: clock },
};

/**
 * Where steps of a run lie on an axis, as a function.
 * @param {string} axis a key of X_AXES @param {import("../../../feed/client/series.js").RunSeries} series
 * @param {object|undefined} run its summary, as in the stream's `run` event
 * @returns {(step: number) => number|null}
 */
export function placeOf(axis, series, run) {
  if (axis === "time") return (step) => interpolate(series.x, series.elapsed_seconds, step);
  if (axis === "step" || !run?.train_images) return axis === "step" ? (step) => step : () => null;
  const { steps, images } = imagesSeen(run);
  const unit = axis === "images" ? 1 : run.train_images;
  return (step) => {
    const seen = interpolate(steps, images, step);
    return seen === null ? null : seen / unit;
  };
}

/** Images seen at the ends of epochs and wherever the batch size was changed; straight between. */
function imagesSeen({ epoch_ends: ends, train_images, settings, interventions }) {
  const changes = interventions.filter((one) => one.field === "batch_size");
  const steps = [0];
  const images = [0];
  const mark = (step, count) => {
    if (step > steps.at(-1)) {
      steps.push(step);
      images.push(count);
    }
  };
  let size = changes[0]?.old ?? settings.batch_size;
  ends.forEach((end, epoch) => {
    for (const change of changes.filter((one) => one.step > (ends[epoch - 1] ?? 0) && one.step < end)) {
      mark(change.step, images.at(-1) + size * (change.step - steps.at(-1)));
      size = change.new;
    }
    // The last batch is smaller: straight up to it.
    if (end - 1 > steps.at(-1)) mark(end - 1, Math.min(images.at(-1) + size * (end - 1 - steps.at(-1)), (epoch + 1) * train_images));
    mark(end, (epoch + 1) * train_images);
    size = changes.findLast((one) => one.step <= end)?.new ?? size;
  });
  return { steps, images };
}

/**
 * The value of a curve at a place between its points; null outside of it, or where a neighbour has none.
 * @param {number[]} xs ascending @param {(number|null)[]} ys @param {number} x
 */
export function interpolate(xs, ys, x) {
  if (!xs.length || x < 0 || x > xs.at(-1)) return null;
  let [low, high] = [0, xs.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle + 1;
    else high = middle;
  }
  if (xs[low] === x || low === 0) return ys[low] ?? null; // before the first point: the first
  const [a, b] = [ys[low - 1], ys[low]];
  if (a === null || b === null) return null;
  return a + ((b - a) * (x - xs[low - 1])) / (xs[low] - xs[low - 1]);
}
