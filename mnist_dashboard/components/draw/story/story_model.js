/** What the snapshots of a run made of one drawing: which digits stand out, and the story in words. Pure. */
import { formatCount } from "../../lib/format.js";
import { digitOf } from "../answers/words.js";

/**
 * @typedef {{steps: number[], probabilities: number[][], notice?: string}} Story ten probabilities for each step, ascending; `notice`
 *   says why a step is missing
 */

const NAMED = 3; // digits in ink
const MAX_CHANGES = 4; // in words
const GUESS = 0.2; // twice chance: below it no digit stands out
const VISIBLE = 0.01; // a curve below lies on the axis

/** The digits most probable at the end, then those that once were. @param {Story} story */
export function leadingDigits({ probabilities }) {
  const peaks = Array.from({ length: 10 }, (_, digit) => Math.max(...probabilities.map((shares) => shares[digit])));
  const end = (probabilities.at(-1) ?? peaks).map((share) => (share < VISIBLE ? 0 : share));
  return peaks.map((_, digit) => digit).sort((a, b) => end[b] - end[a] || peaks[b] - peaks[a]).slice(0, NAMED);
}

/** The answers over time: "A guess at first, then 4 from step 1 899 on." @param {Story} story */
export function tellStory({ steps, probabilities }) {
  const answers = probabilities.map((shares) => (Math.max(...shares) < GUESS ? "a guess" : String(digitOf(shares))));
  const changes = steps.flatMap((step, i) => (i && answers[i] !== answers[i - 1] ? [{ step, answer: answers[i] }] : []));
  const isGuess = answers[0] === "a guess";
  if (!changes.length) return isGuess ? "A guess from the start: no digit stands out." : `Read as ${answers[0]} from the start.`;
  const start = isGuess ? "A guess at first" : `Read as ${answers[0]} at first`;
  const told = changes.map(({ step, answer }) => `${answer} from step ${formatCount(step)}`);
  if (changes.length > MAX_CHANGES) return `${start}; the answer changed ${changes.length} times, and is ${told.at(-1)} on.`;
  return `${start}, then ${told.join(", then ")} on.`;
}

/** Steps that get a tick on a logarithmic axis. @param {number} last */
export function stepTicks(last) {
  const powers = [];
  for (let power = 1; power <= last; power *= 10) powers.push(power);
  return powers;
}
