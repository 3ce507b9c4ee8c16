/** Where rates are on the slider, whose stops are evenly apart, and on the axis of the curve, which is logarithmic. */

/**
 * The place of a rate on the slider's track, from 0 to 1. Between two stops it is between their places, on a logarithmic scale.
 * @param {number} rate @param {number[]} stops ascending
 */
export function placeOnTrack(rate, stops) {
  const last = stops.length - 1;
  if (rate <= stops[0]) return 0;
  if (rate >= stops[last]) return 1;
  const after = stops.findIndex((stop) => stop >= rate);
  const [low, high] = [Math.log(stops[after - 1]), Math.log(stops[after])];
  return (after - 1 + (Math.log(rate) - low) / (high - low)) / last;
}

/** The place of a rate on a logarithmic axis, from 0 to 1. @param {number} rate @param {number} low @param {number} high */
export function placeOnAxis(rate, low, high) {
  return Math.min(1, Math.max(0, Math.log(rate / low) / Math.log(high / low)));
}

/**
 * Where the zones of the track end, in percent. Safe ends at the first, risky at the second; the last ends at 100.
 * @param {{safe_up_to: number|null, diverges_above: number|null, stops: number[]}} line
 * @returns {[safe: number, risky: number]}
 */
export function zoneEnds({ safe_up_to, diverges_above, stops }) {
  const safe = safe_up_to === null ? 0 : 100 * placeOnTrack(safe_up_to, stops);
  const risky = diverges_above === null ? 100 : 100 * placeOnTrack(diverges_above, stops);
  return [safe, Math.max(safe, risky)];
}

/**
 * Points of the curve in a box, as the attribute of a polyline. Losses above `highest` are drawn at the top.
 * @param {number[]} rates @param {(number|null)[]} losses null for what is no number
 * @param {{width: number, height: number, low: number, high: number, highest: number}} box
 */
export function curvePoints(rates, losses, { width, height, low, high, highest }) {
  return rates
    .flatMap((rate, i) => {
      if (rate > high) return [];
      const share = Math.min(1, (losses[i] ?? Infinity) / highest);
      return [`${(width * placeOnAxis(rate, low, high)).toFixed(1)},${(height * (1 - share)).toFixed(1)}`];
    })
    .join(" ");
}
