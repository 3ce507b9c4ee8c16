/** How far a run's certainty can be believed, in words. Pure. */

/**
 * @typedef {{from: number, to: number, images: number, confidence: number|null, accuracy: number|null}} Bin
 * @typedef {{kept: number, accuracy: number}} Kept
 * @typedef {{ece: number, bins: Bin[], kept: Kept[]}} Calibration
 */

const THIN = "\u202f";
const SHOWN_SHARE = 0.95; // of the images, the surest, for which the sentence says what is right

/** "0.8 points" @param {number} share */
const points = (share) => `${(100 * share).toFixed(1)} points`;

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(2)}${THIN}%`;

/**
 * "Its certainty is off by 0.8 points on average (ECE): too sure." @param {Calibration} calibration
 */
export function describeCalibration({ ece, bins }) {
  const known = bins.filter(({ confidence, accuracy }) => confidence !== null && accuracy !== null);
  const images = known.reduce((sum, bin) => sum + bin.images, 0);
  const excess = known.reduce((sum, bin) => sum + bin.images * ((bin.confidence ?? 0) - (bin.accuracy ?? 0)), 0) / images;
  const side = Math.abs(excess) < ece / 2 ? "" : excess > 0 ? ": too sure" : ": not sure enough";
  return `Its certainty is off by ${points(ece)} on average (ECE)${side}.`;
}

/** "Without the 5 % that it is least certain of, 99.87 % are right instead of 98.28 %." @param {Calibration} calibration */
export function describeKept({ kept }) {
  const all = kept.find((entry) => entry.kept === 1);
  const most = kept.find((entry) => entry.kept === SHOWN_SHARE);
  if (!all || !most) return "";
  const left = `${Math.round(100 * (1 - SHOWN_SHARE))}${THIN}%`;
  return `Without the ${left} that it is least certain of, ${percent(most.accuracy)} are right instead of ${percent(all.accuracy)}.`;
}
