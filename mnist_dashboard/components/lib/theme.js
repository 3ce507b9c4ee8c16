/**
 * The colours of the charts, by role, for the theme in force. What Streamlit's theme says (background, text, fonts, colours of
 * runs and of the matrix) is read from its --st-* variables, which components inherit; the rest is here.
 */

const ROLES = {
  light: {
    train: "#0072B2", validation: "#D55E00", test: "#009E73", fault: "#B3261E", intervention: "#A8528A", faultText: "#8C1D18", rawOpacity: 0.28,
    muted: "#56626F", grid: "#EBEFF3", line: "#AAB4BF",
    runs: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#1B232C"],
    sequential: ["#F7FAFC", "#E1EDF6", "#C6DDEE", "#A3C9E3", "#78B0D5", "#4C95C4", "#237BB0", "#0A6299", "#054B7A", "#03365A"],
  },
  dark: {
    train: "#56B4E9", validation: "#E69F00", test: "#2BC59A", fault: "#FF8A80", intervention: "#CC79A7", faultText: "#FFA59D", rawOpacity: 0.34,
    muted: "#9AA7B4", grid: "#222B35", line: "#4A5663",
    runs: ["#56B4E9", "#E69F00", "#2BC59A", "#CC79A7", "#F07C32", "#F0E442", "#E6EBF0"],
    sequential: ["#141B22", "#15293A", "#163A54", "#184D70", "#1F638E", "#2F7BAC", "#4A95C6", "#6FB0DB", "#9BCBEA", "#D0E7F6"],
  },
};

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
  const background = variable("background-color") || "#FFFFFF";
  const dark = luminance(rgb(background) ?? [255, 255, 255]) < 0.4;
  const roles = ROLES[dark ? "dark" : "light"];
  const list = (name, fallback) => {
    const colors = variable(name).split(/,(?![^(]*\))/).map((c) => c.trim()).filter((c) => rgb(c));
    return colors.length > 1 ? colors : fallback;
  };
  return {
    ...roles,
    dark,
    background,
    text: variable("text-color") || (dark ? "#E6EBF0" : "#1B232C"),
    font: variable("font") || "sans-serif",
    runs: list("chart-categorical-colors", roles.runs),
    sequential: list("chart-sequential-colors", roles.sequential),
  };
}

const COLORS = 7;
const DASHES = ["solid", "dash", "longdashdot"];

/** The colour of a run by its index; indices past the last colour start again, with another line: see dashOf. */
export function runColor(colors, index) {
  return colors.runs[(index % COLORS) % colors.runs.length];
}

/** The line of a run by its index: seven are solid, the next seven dashed, … */
export function dashOf(index) {
  return DASHES[Math.floor(index / COLORS) % DASHES.length];
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
