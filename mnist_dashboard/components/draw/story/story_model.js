/** What the snapshots of a run made of one drawing: which digits stand out, and the story in words. Pure. */
import { formatCount } from "../../lib/format.js";
import { digitOf } from "../answers/words.js";

/**
 * @typedef {{steps: number[], probabilities: number[][], notice?: string}} Story ten probabilities for each step, ascending; `notice`
 *   says why a step is missing
 */

const NAMED = 3; // digits in colour
const MAX_CHANGES = 4; // in words

/** The digits that were ever most probable, the most probable at the end first. @param {Story} story */
export function leadingDigits({ probabilities }) {
  const peaks = Array.from({ length: 10 }, (_, digit) => Math.max(...probabilities.map((shares) => shares[digit])));
  const end = probabilities.at(-1) ?? peaks;
  const leading = peaks.map((_, digit) => digit).sort((a, b) => peaks[b] - peaks[a]).slice(0, NAMED);
  return leading.sort((a, b) => end[b] - end[a]);
}

/** The answers over time: "Read as 9 at first, then 4 from step 1 899." @param {Story} story */
export function tellStory({ steps, probabilities }) {
  const digits = probabilities.map(digitOf);
  const changes = steps.flatMap((step, i) => (i && digits[i] !== digits[i - 1] ? [{ step, digit: digits[i] }] : []));
  if (!changes.length) return `Read as ${digits[0]} from the start.`;
  const last = changes[changes.length - 1];
  if (changes.length > MAX_CHANGES) {
    const end = `${last.digit} from step ${formatCount(last.step)} on`;
    return `Read as ${digits[0]} at first; the answer changed ${changes.length} times, and is ${end}.`;
  }
  return `Read as ${digits[0]} at first, ${changes.map(({ step, digit }) => `then ${digit} from step ${formatCount(step)}`).join(", ")}.`;
}

/** Steps that get a tick on a logarithmic axis. @param {number} last */
export function stepTicks(last) {
  const powers = [];
  for (let power = 1; power <= last; power *= 10) powers.push(power);
  return powers;
}
