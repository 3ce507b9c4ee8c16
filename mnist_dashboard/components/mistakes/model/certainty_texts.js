/** How far a run's certainty can be believed, in words. Pure. */

/**
 * @typedef {{from: number, to: number, images: number, confidence: number|null, accuracy: number|null}} Bin
 * @typedef {{kept: number, accuracy: number}} Kept
 * @typedef {{ece: number, bins: Bin[], kept: Kept[]}} Calibration
 */

const THIN = "\u202f";
const SHOWN_SHARE = 0.95; // of the images, the surest, for which the sentence says what is right

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(2)}${THIN}%`;

/**
 * "On average it is 97.16 % sure and right in 97.96 %: not sure enough. By certainty it is off by 0.8 points (ECE)."
 * @param {Calibration} calibration
 */
export function describeCalibration({ ece, bins }) {
  const known = bins.filter(({ confidence, accuracy }) => confidence !== null && accuracy !== null);
  const images = known.reduce((sum, bin) => sum + bin.images, 0);
  const confidence = known.reduce((sum, bin) => sum + bin.images * (bin.confidence ?? 0), 0) / images;
  const accuracy = known.reduce((sum, bin) => sum + bin.images * (bin.accuracy ?? 0), 0) / images;
  const excess = confidence - accuracy;
  const side = Math.abs(excess) < ece / 2 ? "" : excess > 0 ? ": too sure" : ": not sure enough";
  const means = `On average it is ${percent(confidence)} sure and right in ${percent(accuracy)}${side}.`;
  return `${means} By certainty it is off by ${(100 * ece).toFixed(1)} points (ECE).`;
}

/** "Without the 5 % that it is least certain of, 99.87 % are right instead of 98.28 %." @param {Calibration} calibration */
export function describeKept({ kept }) {
  const all = kept.find((entry) => entry.kept === 1);
  const most = kept.find((entry) => entry.kept === SHOWN_SHARE);
  if (!all || !most) return "";
  const left = `${Math.round(100 * (1 - SHOWN_SHARE))}${THIN}%`;
  return `Without the ${left} that it is least certain of, ${percent(most.accuracy)} are right instead of ${percent(all.accuracy)}.`;
}
