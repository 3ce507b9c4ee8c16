/**
 * One image in detail: its ten probabilities, how it fared so far, what the answer rests on, and the nearest images that were read
 * right.
 */
import { drawDigit } from "../../lib/evaluations/digit_images.js";
import { requestJson, sentenceOf } from "../../lib/evaluations/requests.js";
import { aDigit, arrow, describeHistory, formatLevel } from "../../lib/evaluations/texts.js";
import { make, setAttribute, setText } from "../../lib/dom.js";
import { formatCount } from "../../lib/format.js";
import { confidence } from "../model/selection.js";
import { describeStroke, drawHeat } from "./heat_map.js";

/**
 * @import { DigitImages } from "../../lib/evaluations/digit_images.js"
 * @import { Answers, Evaluated, RunEvaluations } from "../../lib/evaluations/run_evaluations.js"
 * @import { Occlusion } from "./heat_map.js"
 * @typedef {{evaluation: Evaluated, image: number, label: number, answers: Answers}} Subject
 * @typedef {{step: number, label: {image: number}[], predicted: {image: number}[]}} Nearest
 */

const DELAY_MS = 150; // before the network is asked about an image: not for each one that the reader passes
const HEAT_KEY = "mnist-trainer-heat-map";

class NearestImage {
  canvas = make("canvas", "mt-digit", { "aria-hidden": "true" });
  #words = make("span", "mt-nearest-words");
  element = make("div", "mt-nearest-image", {}, this.canvas, this.#words);

  /** @param {string} words @param {Uint8ClampedArray|null} levels */
  offer(words, levels) {
    this.element.hidden = !levels;
    setText(this.#words, words);
    drawDigit(this.canvas, levels);
  }
}

export class Detail {
  #source;
  #pictures;
  /** @type {Subject|null} */
  #subject = null;
  #asked = "";
  /** @type {AbortController|null} */
  #asking = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #waiting;
  /** @type {Occlusion|null} */
  #occlusion = null;
  /** @type {Uint8ClampedArray|null} */
  #picture = null;
  #title = make("h2", "mt-panel-title");
  #heat = make("input", "", { type: "checkbox", role: "switch" });
  #canvas = make("canvas", "mt-digit mt-detail-digit", { role: "img" });
  #heatCanvas = make("canvas", "mt-heat", { "aria-hidden": "true" });
  #answer = make("div", "mt-detail-answer");
  #sentence = make("div", "mt-detail-sentence");
  #history = make("div", "mt-detail-history");
  #legend = make("div", "mt-detail-legend");
  #bars = Array.from({ length: 10 }, (_, digit) => {
    const [bar, value] = [make("span", "mt-answer-bar", { "aria-hidden": "true" }), make("span", "mt-answer-share")];
    const name = make("span", "mt-answer-digit", {}, String(digit));
    return { bar, value, row: make("div", "mt-answer", { role: "listitem" }, name, bar, value) };
  });
  #nearestTitle = make("h3", "mt-nearest-title", {}, "This one, and the nearest that were read right");
  #nearest = [new NearestImage(), new NearestImage(), new NearestImage()];
  #inside = make("button", "mt-pill mt-look-inside", { type: "button" }, "Look inside");
  #nearestNote = make("p", "mt-panel-note");
  #body = make("div", "mt-detail-body", {},
    make("div", "mt-detail-top", {},
      make("div", "mt-detail-pictures", {}, this.#canvas, this.#heatCanvas),
      make("div", "mt-detail-words", { role: "status" }, this.#answer, this.#sentence, this.#history, this.#legend)),
    make("div", "mt-answers", { role: "list", "aria-label": "Probability of each digit" }, ...this.#bars.map(({ row }) => row)),
    this.#nearestTitle,
    make("div", "mt-nearest", {}, ...this.#nearest.map(({ element }) => element), this.#inside), this.#nearestNote);
  #note = make("p", "mt-panel-note");
  element = make("section", "mt-detail", {},
    make("div", "mt-panel-head", {}, this.#title, make("label", "mt-switch", {}, this.#heat, make("span", "", {}, "Heat map"))),
    this.#body, this.#note);

  /**
   * @param {RunEvaluations} source @param {DigitImages} pictures
   * @param {() => void} onInside called when the reader wants to see what each layer makes of the image
   */
  constructor(source, pictures, onInside) {
    this.#inside.addEventListener("click", onInside);
    this.#source = source;
    this.#pictures = pictures;
    this.#heat.checked = recall() !== "off";
    this.#heat.addEventListener("change", () => {
      remember(this.#heat.checked ? "on" : "off");
      this.#drawHeat();
    });
  }

  destroy() {
    clearTimeout(this.#waiting);
    this.#asking?.abort();
  }

  /** Show an image; without one, a note. @param {Subject|null} subject @param {string} note */
  offer(subject, note) {
    this.#subject = subject;
    this.#body.hidden = !subject;
    this.#note.hidden = Boolean(subject);
    setText(this.#note, note);
    setText(this.#title, subject ? nameImage(subject) : "One image");
    if (!subject) {
      this.#stopAsking("");
      return;
    }
    this.#drawAnswer(subject);
    const key = `${subject.evaluation.id}/${subject.image}`;
    if (key === this.#asked) return;
    this.#stopAsking(key);
    this.#waiting = setTimeout(() => this.#ask(subject), DELAY_MS);
  }

  /** The colours of the theme have changed. */
  redraw() {
    drawDigit(this.#canvas, this.#picture);
    this.#drawHeat();
  }

  /** Drop the open questions and their answers. @param {string} key names the image that the next questions are about */
  #stopAsking(key) {
    clearTimeout(this.#waiting);
    this.#asking?.abort();
    this.#asked = key;
    this.#occlusion = null;
    this.#picture = null;
    setText(this.#history, "");
    this.redraw();
    this.#noteNearest("");
    if (key) setText(this.#legend, "Asking the network …");
  }

  /** @param {Subject} subject */
  #drawAnswer({ image, label, answers }) {
    const predicted = answers.predicted[image];
    setText(this.#answer, arrow(label, predicted));
    const sure = answers.levels ? ` with ${formatLevel(confidence(answers, image))}` : "";
    const theLabel = aDigit(label).replace("a", "A");
    setText(this.#sentence, predicted === label ? `${theLabel}, read right${sure}.` : `${theLabel}, read as ${predicted}${sure}.`);
    this.#bars.forEach(({ bar, value, row }, digit) => {
      const level = answers.levels ? answers.levels[10 * image + digit] : null;
      setText(value, level === null ? "" : formatLevel(level));
      bar.style.setProperty("--share", String((level ?? 0) / 255));
      const role = digit === label ? "label" : digit === predicted ? "wrong" : null;
      setAttribute(row, "data-role", role);
      row.toggleAttribute("data-answer", digit === predicted);
    });
    setAttribute(this.#canvas, "aria-label", `Image ${image}, ${aDigit(label)} read as ${predicted}`);
  }

  /** @param {Subject} subject */
  async #ask(subject) {
    const asking = (this.#asking = new AbortController());
    const { evaluation, image } = subject;
    const { split } = evaluation;
    const isCurrent = () => this.#asking === asking && !asking.signal.aborted;
    const query = { run: this.#source.run, step: evaluation.step, split, image };
    const options = { signal: asking.signal };
    this.#pictures.load(split, [image]).then(([picture]) => {
      if (!isCurrent()) return;
      this.#picture = picture;
      this.redraw();
    }, () => {});
    // One after the other, so that one page does not keep those of others waiting.
    const steps = [
      () => this.#tellHistory(subject, isCurrent, options),
      () => this.#showHeat(query, isCurrent, options),
      () => this.#showNearest(subject, query, isCurrent, options),
    ];
    for (const step of steps) if (isCurrent()) await step();
  }

  /** @param {Record<string, string|number>} query @param {() => boolean} isCurrent @param {RequestInit} options */
  async #showHeat(query, isCurrent, options) {
    try {
      const occlusion = await requestJson("inference/occlusion", query, options);
      if (!isCurrent()) return;
      this.#occlusion = occlusion;
      this.#drawHeat();
    } catch (error) {
      if (isCurrent()) setText(this.#legend, sentenceOf(error));
    }
  }

  /**
   * Since when the image has been read wrong or right: by the evaluations, or by the weights that were kept if there is only one.
   * @param {Subject} subject @param {() => boolean} isCurrent @param {RequestInit} options
   */
  async #tellHistory({ evaluation: { split, step }, image, label }, isCurrent, options) {
    try {
      let text = describeHistory(await this.#source.history(split, image), step);
      if (!text) {
        const { steps, probabilities } = await requestJson("inference/story", { run: this.#source.run, split, image }, options);
        text = describeHistory({ label, evaluations: readStory(steps, probabilities) }, step, "snapshot");
      }
      if (isCurrent()) setText(this.#history, text);
    } catch {
      // It is an extra: the heat map below says what is wrong.
    }
  }

  /** @param {string} note instead of the nearest images */
  #noteNearest(note) {
    for (const nearest of this.#nearest) nearest.offer("", null);
    setText(this.#nearestNote, note);
  }

  /**
   * @param {Subject} subject @param {Record<string, string|number>} query @param {() => boolean} isCurrent
   * @param {RequestInit} options
   */
  async #showNearest({ evaluation, image, label, answers }, query, isCurrent, options) {
    try {
      /** @type {Nearest} */
      const nearest = await requestJson("inference/nearest", { ...query, count: 1 }, options);
      const predicted = answers.predicted[image];
      const shown = [{ image, words: "this one" }];
      if (nearest.label[0]) shown.push({ image: nearest.label[0].image, words: aDigit(label) });
      if (nearest.predicted[0] && predicted !== label) shown.push({ image: nearest.predicted[0].image, words: aDigit(predicted) });
      const pictures = await this.#pictures.load(evaluation.split, shown.map((one) => one.image));
      if (!isCurrent()) return;
      setText(this.#nearestNote, "");
      this.#nearest.forEach((one, n) => one.offer(shown[n]?.words ?? "", pictures[n] ?? null));
    } catch (error) {
      if (isCurrent()) this.#noteNearest(sentenceOf(error));
    }
  }

  #drawHeat() {
    const occlusion = this.#heat.checked ? this.#occlusion : null;
    drawHeat(this.#heatCanvas, occlusion);
    const step = occlusion && this.#subject && occlusion.step !== this.#subject.evaluation.step
      ? ` With the weights of step ${formatCount(occlusion.step)}.` : "";
    setText(this.#legend, occlusion ? `${describeStroke(occlusion)}${step}` : "");
    this.#legend.toggleAttribute("data-scale", Boolean(occlusion));
  }
}

/** "Test image 1 901" @param {Subject} subject */
function nameImage({ evaluation, image }) {
  return `${evaluation.split === "test" ? "Test" : "Validation"} image ${formatCount(image)}`;
}

/** What an image was read as with the weights of each step. @param {number[]} steps @param {number[][]} probabilities */
function readStory(steps, probabilities) {
  return steps.map((step, n) => {
    const probability = Math.max(...probabilities[n]);
    return { id: n, step, predicted: probabilities[n].indexOf(probability), probability };
  });
}

function recall() {
  try {
    return localStorage.getItem(HEAT_KEY);
  } catch {
    return null; // storage is switched off
  }
}

/** @param {string} value */
function remember(value) {
  try {
    localStorage.setItem(HEAT_KEY, value);
  } catch {
    // Storage is switched off or full: the choice holds until the page is closed.
  }
}
