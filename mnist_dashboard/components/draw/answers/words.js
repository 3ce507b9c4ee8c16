/** What the runs read, in words and figures. Pure. */

const THIN = "\u202f";
const COUNTS = ["", "", "Both", "All three", "All four"];

/**
 * @typedef {{id: number, name: string}} Judge
 * @typedef {{run: number, step?: number, probabilities?: number[], problem?: string}} Answer `probabilities` of the ten digits, or why
 *   there are none
 * @typedef {{digit: string, main: string, rest: string}} Verdict
 */

/** The digit with the highest probability. @param {number[]} probabilities */
export function digitOf(probabilities) {
  return probabilities.indexOf(Math.max(...probabilities));
}

/** A probability in percent, without its unit: 83.8. @param {number} share */
export function formatShare(share) {
  if (share < 0.001) return "<0.1";
  return share > 0.999 && share < 1 ? ">99.9" : (100 * share).toFixed(1);
}

/** The first run's answer in full, and what the others say. @param {Judge[]} judges @param {Answer[]} answers @returns {Verdict} */
export function describeAnswers(judges, answers) {
  const read = judges.map(({ id, name }) => {
    const answer = answers.find(({ run }) => run === id);
    return { name, problem: answer?.problem ?? "", probabilities: answer?.probabilities ?? null };
  });
  const problems = read.filter(({ problem }) => problem).map(({ name, problem }) => `${name}: ${problem}`);
  const readers = read.flatMap(({ name, probabilities }) => (probabilities ? [{ name, probabilities }] : []));
  const [first, ...others] = readers;
  if (!first) return { digit: "", main: "", rest: problems.join(" ") };
  const digit = digitOf(first.probabilities);
  const main = `${first.name} reads ${digit}, ${formatShare(first.probabilities[digit])}${THIN}%.`;
  const differing = others.filter(({ probabilities }) => digitOf(probabilities) !== digit);
  const agreement = !differing.length
    ? others.length ? `${COUNTS[readers.length]} agree.` : ""
    : others.map(({ name, probabilities }) => `${name} reads ${digitOf(probabilities)}.`).join(" ");
  return { digit: String(digit), main, rest: [agreement, ...problems].filter(Boolean).join(" ") };
}
