/** The norms of a run's layers as lines on a logarithmic axis. Pure. */

/**
 * @typedef {(number|null)[]} Values null where a norm is not finite
 * @typedef {{layers: string[], steps: number[], gradients: Values[], weights: Values[]}} Norms `gradients` and `weights` have a row for
 *   each step, with a norm for each layer
 * @typedef {{step: number, value: number}} NormPoint
 */

/** The norms of one layer over the steps. @param {Values[]} rows @param {number} layer @returns {Values} */
export const lineOf = (rows, layer) => rows.map((row) => row[layer] ?? null);

/**
 * At most so many points of a line: the geometric mean of the steps around each, since norms of single batches jump.
 * @param {number[]} steps ascending @param {Values} values @param {number} most @returns {NormPoint[]}
 */
export function thinLine(steps, values, most) {
  const size = Math.ceil(steps.length / most);
  /** @type {NormPoint[]} */
  const points = [];
  for (let start = 0; start < steps.length; start += size) {
    const logs = values.slice(start, start + size).flatMap((value) => (value ? [Math.log(value)] : []));
    if (!logs.length) continue;
    const middle = steps[Math.min(steps.length - 1, start + ((size - 1) >> 1))];
    points.push({ step: middle, value: Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length) });
  }
  return points;
}

/**
 * The norm at a step: the last one recorded until then; null before the first.
 * @param {number[]} steps @param {Values} values @param {number} step
 */
export function normAt(steps, values, step) {
  const at = steps.findLastIndex((recorded) => recorded <= step);
  return at < 0 ? null : values[at];
}

/**
 * Ends of the axis: all values fit, and no line lies on an end. Without values, 0.01 to 10.
 * @param {NormPoint[][]} lines @returns {[low: number, high: number]}
 */
export function normRange(lines) {
  const values = lines.flatMap((line) => line.map(({ value }) => value));
  if (!values.length) return [0.01, 10];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high / low) ** 0.08 * 1.1;
  return [low / room, high * room];
}

/** Powers of ten between two ends, with 2 and 5 times these if there are fewer than two. @param {number} low @param {number} high */
export function logTicks(low, high) {
  for (const factors of [[1], [1, 2, 5], [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9]]) {
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const factor of factors) ticks.push(Number(`${factor}e${power}`));
    }
    const inside = ticks.filter((tick) => tick >= low && tick <= high);
    if (inside.length >= 2) return inside;
  }
  return [];
}

/** Round steps for a linear axis, about four. @param {number} last */
export function evenTicks(last) {
  const rough = last / 3;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
  const gap = power * ([5, 2, 1].find((factor) => factor * power <= rough) ?? 1);
  return Array.from({ length: Math.floor(last / gap) + 1 }, (_, i) => i * gap);
}
