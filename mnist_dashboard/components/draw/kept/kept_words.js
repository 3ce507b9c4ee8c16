/** What runs read on the kept drawings, in words. Pure. */

/**
 * @import { Judge } from "../answers/words.js"
 * @typedef {{id: number, name: string, label: number, image: string}} Drawing `image` is base64 of 784 grey levels
 * @typedef {{run: number, digits?: Record<string, number>, problem?: string}} Reading digits by drawing, or why there are none
 */

/**
 * How many drawings each run reads right: "Read right: run-7 7 of 10, run-6 9 of 10."
 * @param {Judge[]} judges @param {Drawing[]} drawings @param {Reading[]} readings
 */
export function describeScores(judges, drawings, readings) {
  if (!drawings.length) return "";
  /** @type {string[]} */
  const scores = [];
  /** @type {string[]} */
  const problems = [];
  for (const { id, name } of judges) {
    const reading = readings.find(({ run }) => run === id);
    if (!reading) continue;
    const { digits, problem } = reading;
    if (digits) scores.push(`${name} ${drawings.filter((drawing) => digits[drawing.id] === drawing.label).length} of ${drawings.length}`);
    else problems.push(`${name}: ${problem}`);
  }
  // The figure does not follow the word "reads": above, that is the digit that a run reads.
  return [scores.length ? `Read right: ${scores.join(", ")}.` : "", ...problems].filter(Boolean).join(" ");
}

/** What stands below a drawing: its digit, and what a run reads instead. @param {Drawing} drawing @param {Reading|undefined} reading */
export function describeDrawing({ id, label }, reading) {
  const digit = reading?.digits?.[id] ?? label;
  const isWrong = digit !== label;
  return { text: isWrong ? `${label} → ${digit}` : String(label), isWrong };
}
