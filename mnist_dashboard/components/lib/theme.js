/**
 * The colours of the charts, by role. Streamlit hands its theme (.streamlit/config.toml) to components as --st-* variables;
 * only what the theme has no colour for is here.
 */
import { RUN_COLORS } from "./constants.js";

const CHART_ONLY = {
  light: { grid: "#EBEFF3", line: "#AAB4BF", rawOpacity: 0.28 },
  dark: { grid: "#222B35", line: "#4A5663", rawOpacity: 0.34 },
};
const UNSTYLED = ["#808080", "#808080"]; // an element that has left the page has no theme

/** Red, green and blue (0 to 255) of "#RGB", "#RRGGBB" or "rgb(…)"; null for anything else. */
export function rgb(color) {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(color.trim())?.[1];
  if (hex) return [0, 1, 2].map((i) => parseInt(hex.length === 3 ? hex[i] + hex[i] : hex.slice(2 * i, 2 * i + 2), 16));
  const numbers = /^rgba?\(([^)]+)\)/.exec(color.trim())?.[1].split(/[\s,/]+/).map(Number);
  return numbers && numbers.length >= 3 ? numbers.slice(0, 3) : null;
}

/** Relative luminance, WCAG 2. @param {number[]} channels */
export function luminance(channels) {
  const [r, g, b] = channels.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** White or black, whichever contrasts more with a background. @param {number[]} channels */
export function ink(channels) {
  const l = luminance(channels);
  return 1.05 / (l + 0.05) > (l + 0.05) / 0.05 ? "#FFFFFF" : "#000000";
}

/** A colour between the stops of a scale, at 0 to 1, as channels. @param {string[]} scale */
export function mix(scale, at) {
  const place = Math.min(1, Math.max(0, at)) * (scale.length - 1);
  const i = Math.min(scale.length - 2, Math.floor(place));
  const [from, to] = [rgb(scale[i]), rgb(scale[i + 1])];
  return from.map((c, k) => Math.round(c + (to[k] - c) * (place - i)));
}

/** @param {Element} element any element inside the component */
export function palette(element) {
  const style = getComputedStyle(element);
  const variable = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const list = (name) => {
    const colors = variable(name).split(/,(?![^(]*\))/).map((color) => color.trim()).filter((color) => rgb(color));
    return colors.length > 1 ? colors : UNSTYLED;
  };
  const background = variable("background-color");
  const dark = luminance(rgb(background) ?? [255, 255, 255]) < 0.4;
  const runs = list("chart-categorical-colors");
  const [train, validation, test] = runs;
  return {
    ...CHART_ONLY[dark ? "dark" : "light"],
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

/** The colour of a run by its index; indices past the last colour start again, with another line: see dashOf. */
export function runColor(colors, index) {
  return colors.runs[(index % RUN_COLORS) % colors.runs.length];
}

/** The line of a run by its index: seven are solid, the next seven dashed, … */
export function dashOf(index) {
  return DASHES[Math.floor(index / RUN_COLORS) % DASHES.length];
}

/**
 * Calls back when the theme changes. Streamlit switches it by giving ancestors other classes, so those are watched.
 * @returns {() => void} stops watching
 */
export function watchTheme(element, callback) {
  const fingerprint = () => {
    const { background, text, runs } = palette(element);
    return [background, text, ...runs].join();
  };
  let last = fingerprint();
  const observer = new MutationObserver(() => {
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
