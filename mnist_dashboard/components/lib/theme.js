/**
 * The colours of the charts, by role. Streamlit hands its theme (.streamlit/config.toml) to components as --st-* variables;
 * only colours that the theme lacks are here.
 */
import { RUN_COLORS } from "./constants.js";

const CHART_ONLY = {
  light: { grid: "#EBEFF3", line: "#AAB4BF", ghost: "#7C8894", rawOpacity: 0.28 },
  dark: { grid: "#222B35", line: "#4A5663", ghost: "#7F8C99", rawOpacity: 0.34 },
};
const UNSTYLED = ["#808080", "#808080"]; // an element that has left the page has no theme

/** @typedef {[red: number, green: number, blue: number]} Rgb each from 0 to 255 */

/** @type {Rgb} */
const BLACK = [0, 0, 0];
/** @type {Rgb} */
const WHITE = [255, 255, 255];

/** Reads "#RGB", "#RRGGBB" or "rgb(…)"; null for anything else. @param {string} color @returns {Rgb|null} */
export function parseColor(color) {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(color.trim())?.[1];
  if (hex) {
    const digits = hex.length === 3 ? [...hex].map((digit) => digit + digit) : [hex.slice(0, 2), hex.slice(2, 4), hex.slice(4)];
    return /** @type {Rgb} */ (digits.map((pair) => parseInt(pair, 16)));
  }
  const numbers = /^rgba?\(([^)]+)\)/.exec(color.trim())?.[1].split(/[\s,/]+/).map(Number);
  return numbers && numbers.length >= 3 ? [numbers[0], numbers[1], numbers[2]] : null;
}

/** Relative luminance, WCAG 2. @param {Rgb} rgb */
export function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast ratio, WCAG 2: 1 to 21. @param {Rgb} a @param {Rgb} b */
export function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((p, q) => p - q);
  return (light + 0.05) / (dark + 0.05);
}

/** White or black, whichever contrasts more with a background. @param {Rgb} background */
export function readableInk(background) {
  return contrast(background, WHITE) > contrast(background, BLACK) ? "#FFFFFF" : "#000000";
}

/** A colour between the stops of a scale. @param {string[]} scale @param {number} position 0 to 1 @returns {Rgb} */
export function colorAt(scale, position) {
  const place = Math.min(1, Math.max(0, position)) * (scale.length - 1);
  const i = Math.min(scale.length - 2, Math.floor(place));
  const from = parseColor(scale[i]) ?? BLACK;
  const to = parseColor(scale[i + 1]) ?? BLACK;
  return /** @type {Rgb} */ (from.map((c, k) => Math.round(c + (to[k] - c) * (place - i))));
}

/** @typedef {ReturnType<typeof readPalette>} Palette */

/** @type {Palette|null} since reading it makes the browser compute styles, which takes longer than drawing a strip */
let current = null;

/**
 * The colours in force, which components ask for at every drawing. One that asks must watch the theme: see `onThemeChange`.
 * @param {Element} element any element inside the component @returns {Palette}
 */
export function palette(element) {
  if (current) return current;
  const colors = readPalette(element);
  if (colors.background) current = colors; // else the element has left the page
  return colors;
}

/** @param {Element} element */
function readPalette(element) {
  const style = getComputedStyle(element);
  /** @param {string} name */
  const variable = (name) => style.getPropertyValue(`--st-${name}`).trim();
  /** @param {string} name */
  const list = (name) => {
    const colors = variable(name).split(/,(?![^(]*\))/).map((color) => color.trim()).filter(parseColor);
    return colors.length > 1 ? colors : UNSTYLED;
  };
  const background = variable("background-color");
  const isDark = luminance(parseColor(background) ?? WHITE) < 0.4;
  const runs = list("chart-categorical-colors");
  const [train, validation, test] = runs;
  return {
    ...CHART_ONLY[isDark ? "dark" : "light"],
    train,
    validation,
    test,
    runs,
    sequential: list("chart-sequential-colors"),
    intervention: variable("violet-color"),
    fault: variable("red-color"),
    faultText: variable("red-text-color"),
    muted: variable("gray-color"),
    background,
    text: variable("text-color"),
    font: variable("font"),
  };
}

const DASHES = ["solid", "dash", "longdashdot"];

/**
 * The colour of a run by its index; past the last colour they start again, with another line: see `runDash`.
 * @param {Palette} colors @param {number} index
 */
export function runColor(colors, index) {
  return colors.runs[(index % RUN_COLORS) % colors.runs.length];
}

/** The line of a run by its index: seven are solid, the next seven dashed, … @param {number} index */
export function runDash(index) {
  return DASHES[Math.floor(index / RUN_COLORS) % DASHES.length];
}

/**
 * Calls back when the theme changes. Streamlit switches it by giving ancestors other classes, so those are watched.
 * @param {Element} element @param {() => void} callback
 * @returns {() => void} stops watching
 */
export function onThemeChange(element, callback) {
  const fingerprint = () => {
    const { background, text, runs } = palette(element);
    return [background, text, ...runs].join();
  };
  let last = fingerprint();
  const observer = new MutationObserver(() => {
    current = null;
    const now = fingerprint();
    if (now === last) return;
    last = now;
    callback();
  });
  for (let node = element.parentElement; node; node = node.parentElement) {
    observer.observe(node, { attributes: true, attributeFilter: ["class", "style"] });
  }
  return () => observer.disconnect();
}
