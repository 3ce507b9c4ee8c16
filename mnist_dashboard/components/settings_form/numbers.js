/** The arithmetic of a number field, as people type: with a decimal point or comma, and blanks between thousands. */

/**
 * @typedef {object} NumberField
 * @property {number} step
 * @property {number} low
 * @property {number} high
 * @property {number} decimals least number of decimals shown
 */

/** The number in a text, NaN if it holds none. @param {string} text */
export const parseNumber = (text) => (text.trim() ? Number(text.replace(/\s/g, "").replace(",", ".")) : NaN);

/** @param {number} number */
const decimalsOf = (number) => (/e-(\d+)$/.exec(String(number))?.[1] ?? String(number).split(".")[1]?.length ?? 0);

/**
 * The text that a step up or down leads to, within the range; null if the text holds no number.
 * @param {string} text @param {number} steps @param {NumberField} field
 */
export function stepped(text, steps, { step, low, high, decimals }) {
  const number = parseNumber(text);
  if (Number.isNaN(number)) return null;
  const digits = Math.max(Number(decimalsOf(step)), Number(decimalsOf(number)));
  const next = Math.min(high, Math.max(low, number + steps * step));
  const exact = Number(next.toFixed(Math.min(digits, 20)));
  return exact.toFixed(Math.max(decimals, Number(decimalsOf(exact))));
}
