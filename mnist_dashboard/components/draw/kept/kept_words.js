/** What runs read on the kept drawings, in words. Pure. */

/**
 * @import { Judge } from "../answers/words.js"
 * @typedef {{id: number, name: string, label: number, image: string}} Drawing `image` is base64 of 784 grey levels
 * @typedef {{run: number, digits?: Record<string, number>, problem?: string}} Reading digits by drawing, or why there are none
 */

/**
 * How many drawings each run reads right: "run-7 reads 7 of 10."
 * @param {Judge[]} judges @param {Drawing[]} drawings @param {Reading[]} readings
 */
export function describeScores(judges, drawings, readings) {
  if (!drawings.length) return "";
  return judges.flatMap(({ id, name }) => {
    const reading = readings.find(({ run }) => run === id);
    if (!reading) return [];
    const { digits, problem } = reading;
    if (!digits) return [`${name}: ${problem}`];
    const right = drawings.filter((drawing) => digits[drawing.id] === drawing.label).length;
    return [`${name} reads ${right} of ${drawings.length}.`];
  }).join(" ");
}

/** What stands below a drawing: its digit, and what a run reads instead. @param {Drawing} drawing @param {Reading|undefined} reading */
export function describeDrawing({ id, label }, reading) {
  const digit = reading?.digits?.[id] ?? label;
  const isWrong = digit !== label;
  return { text: isWrong ? `${label} → ${digit}` : String(label), isWrong };
}
