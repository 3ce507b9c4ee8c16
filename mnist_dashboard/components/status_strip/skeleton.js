/** The elements of a status strip, for whatever trains: what it is, its numbers, a progress bar, and one sentence. */
import { make } from "../lib/dom.js";

/**
 * @param {string[]} labels of the numbers, eight
 * @param {{about: string, progress: string, sentence: HTMLElement}} parts names of strip and bar for screen readers, and what is below
 */
export function buildStrip(labels, { about, progress, sentence }) {
  const swatch = make("span", "mt-strip-swatch", { "aria-hidden": "true" });
  const badge = make("span", "mt-strip-badge", { role: "status" });
  const name = make("span", "mt-strip-name");
  const detail = make("div", "mt-strip-detail");
  const values = labels.map((text) => ({
    label: make("div", "mt-strip-label", {}, text),
    number: make("span"),
    unit: make("small"),
  }));
  const cells = values.map((v) => make("div", "", {}, v.label, make("div", "mt-strip-value", {}, v.number, v.unit)));
  const fill = make("i", "mt-strip-fill");
  const bar = make("div", "mt-strip-bar", {
    role: "progressbar",
    "aria-label": progress,
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  }, fill);
  const head = make("div", "mt-strip-run", {}, make("div", "mt-strip-head", {}, swatch, badge, name), detail);
  const row = make("div", "mt-strip-row", {}, head, ...cells);
  const strip = make("section", "mt-strip", { "aria-label": about }, row, bar, sentence);
  row.addEventListener("click", () => strip.toggleAttribute("data-unfolded")); // on a phone, a compact one shows all cells
  return { strip, swatch, badge, name, detail, values, bar, fill };
}
