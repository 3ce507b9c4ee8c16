/** How numbers, times and names are written. One place, so that strip, charts, matrix and table agree. */

const THIN = "\u202f"; // narrow no-break space: groups digits, separates units
export const MISSING = "–";

/** @param {unknown} value @returns {value is number} */
export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** @param {number} n */
const twoDigits = (n) => String(n).padStart(2, "0");

/** A whole number with its thousands grouped: 5 512. @param {number|null|undefined} n */
export function formatCount(n) {
  // Not by toLocaleString, which takes 50 times as long: a live page writes hundreds of counts a second.
  return isNumber(n) ? String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, THIN) : MISSING;
}

/** Four significant digits, zeros kept (0.07670), scientific below 0.0001 and from 10 000. @param {number|null|undefined} x */
export function formatLoss(x) {
  if (!isNumber(x)) return MISSING;
  if (x === 0) return "0.000";
  const size = Math.abs(x);
  if (size < 1e-4 || size >= 1e4) return x.toExponential(3);
  // toPrecision, unlike toFixed, gives 1.000 and not 1.0000 for 0.99999
  return x.toPrecision(4);
}

/** A share (0 to 1) in percent: 97.48 %. @param {number|null|undefined} x */
export function formatPercent(x) {
  return isNumber(x) ? `${(100 * x).toFixed(2)}${THIN}%` : MISSING;
}

/** Seconds as m:ss, from one hour h:mm:ss. @param {number|null|undefined} seconds */
export function formatDuration(seconds) {
  if (!isNumber(seconds)) return MISSING;
  const s = Math.max(0, Math.floor(seconds));
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${twoDigits(m)}:${twoDigits(s % 60)}` : `${m}:${twoDigits(s % 60)}`;
}

/** How long ago, roughly: "12 s", "3 min", "2 h". @param {number} seconds */
export function formatAge(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s`;
  return s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}

/** A numeric setting as it was typed: 0.01, 64. @param {number|null|undefined} n */
export function formatSetting(n) {
  return isNumber(n) ? String(Number(n.toPrecision(12))) : MISSING;
}

/** @type {Map<number, string>} the reader's zone by its offset: summer and winter have one each, and a formatter is slow */
const zones = new Map();

/** Name of the reader's time zone at a moment: "GMT+1". @param {Date} then */
function zoneName(then) {
  const offset = then.getTimezoneOffset();
  const name = zones.get(offset) ?? new Intl.DateTimeFormat("en", { timeZoneName: "short" })
    .formatToParts(then).find(({ type }) => type === "timeZoneName")?.value ?? "";
  zones.set(offset, name);
  return name;
}

/** Seconds since 1970 as local time with its zone; with the date unless it is today. @param {number|null|undefined} seconds */
export function formatTime(seconds, now = new Date()) {
  if (!isNumber(seconds)) return MISSING;
  const then = new Date(seconds * 1000);
  const time = `${twoDigits(then.getHours())}:${twoDigits(then.getMinutes())} ${zoneName(then)}`;
  if (then.toDateString() === now.toDateString()) return time;
  const month = then.toLocaleString("en", { month: "short" });
  const year = then.getFullYear() === now.getFullYear() ? "" : ` ${then.getFullYear()}`;
  return `${then.getDate()} ${month}${year} ${time}`;
}

/** A class in a file of the user's own, and the version of the file: `tiny.py:Tiny@3f2a9c1d04b7`. */
const OWN_NETWORK = /^(.+\.py):(\w+)(?:@([0-9a-f]{8})[0-9a-f]*)?$/;

/**
 * The label of a choice; a network of the user's own is named as Python names it: `Tiny (tiny.py, 3f2a9c1d)`.
 * @param {Record<string, string>} choices
 * @param {string} value
 */
export function formatChoice(choices, value) {
  const [, file, network, version] = OWN_NETWORK.exec(value) ?? [];
  return choices[value] ?? (network ? `${network} (${version ? `${file}, ${version}` : file})` : value);
}

/**
 * Text for Plotly, which renders a subset of HTML and, in hover texts, %{…} templates: names come from people.
 * Plotly turns the entities back into the characters.
 * @param {string} text
 */
export function escapeForPlotly(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("%{", "&#37;{");
}
