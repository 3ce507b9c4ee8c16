/** Two runs side by side: the verdict on them, and the test images that only one of them, or neither, reads right. */
import { DigitImages } from "../lib/evaluations/digit_images.js";
import { mountView } from "../lib/evaluations/mount_view.js";
import { requestJson, sentenceOf } from "../lib/evaluations/requests.js";
import { RunEvaluations } from "../lib/evaluations/run_evaluations.js";
import { make, setText } from "../lib/dom.js";
import { formatCount, formatPercent } from "../lib/format.js";
import { onThemeChange } from "../lib/theme.js";
import { PairGallery } from "./pair_gallery.js";

/**
 * @import { Answers } from "../lib/evaluations/run_evaluations.js"
 * @import { Host } from "../lib/types"
 * @typedef {{id: number, name: string}} ComparedRun
 * @typedef {{a: ComparedRun, b: ComparedRun}} DisagreementData
 * @typedef {{images: number, only_a: number[], only_b: number[], both_wrong: number[], sentence: string}} Disagreement
 * @typedef {{labels: Uint8Array, a: Answers, b: Answers}} Sides what both answered
 */

class DisagreementView {
  #isGone = false;
  #host;
  #sources;
  #images;
  /** @type {Sides|null} */
  #sides = null;
  #a = make("span", "mt-pair-run", { "data-side": "a" });
  #b = make("span", "mt-pair-run", { "data-side": "b" });
  #both = make("span", "mt-pair-both");
  #parts = ["a", "wrong", "b"].map((side) => make("span", "mt-pair-part", { "data-side": side }));
  #bar = make("div", "mt-pair-bar", { role: "img" }, ...this.#parts);
  #verdict = make("p", "mt-pair-verdict", { role: "status" }, "Loading …");
  #actions = {
    load: (/** @type {number[]} */ images) => this.#images.load("test", images),
    onOpen: (/** @type {number} */ image) => this.#open(image),
  };
  #galleries = [
    new PairGallery("Only A right", "B’s answer below each image.", ["a"], this.#actions),
    new PairGallery("Only B right", "A’s answer below each image.", ["b"], this.#actions),
    new PairGallery("Both wrong", "A’s answer, then B’s.", ["a", "b"], this.#actions),
  ];
  #head = make("div", "mt-pair-head", {}, make("div", "mt-pair-runs", {}, this.#a, this.#b, this.#both), this.#bar);
  #places = make("div", "mt-pair-galleries", {}, ...this.#galleries.map(({ element }) => element));
  #box = make("div", "mt-pair", {}, this.#head, this.#verdict, this.#places);
  #stopWatchingTheme;

  /** @param {HTMLElement} root @param {DisagreementData} data @param {Host} host */
  constructor(root, { a, b }, host) {
    this.#host = host;
    this.#sources = [new RunEvaluations(a.id), new RunEvaluations(b.id)];
    this.#images = new DigitImages(this.#sources[0]);
    this.#head.hidden = this.#places.hidden = true;
    root.append(this.#box);
    this.#stopWatchingTheme = onThemeChange(root, () => this.#galleries.forEach((gallery) => gallery.redraw()));
    this.#compare(a, b);
  }

  /** @param {DisagreementData} _data of the same runs @param {Host} host */
  update(_data, host) {
    this.#host = host;
  }

  destroy() {
    this.#isGone = true;
    this.#stopWatchingTheme();
    this.#box.remove();
  }

  /** Show an image in detail, among those that A answers alike. @param {number} image */
  #open(image) {
    if (!this.#sides) return;
    const { labels, a } = this.#sides;
    this.#host.setTriggerValue("open", { run: this.#sources[0].run, cell: `${labels[image]}-${a.predicted[image]}`, image });
  }

  /** @param {ComparedRun} a @param {ComparedRun} b */
  async #compare(a, b) {
    try {
      const [disagreement, sides] = await Promise.all([
        requestJson("disagreement.json", { run: a.id, with: b.id }), readSides(this.#sources),
      ]);
      if (!this.#isGone) this.#show(a, b, disagreement, sides);
    } catch (error) {
      if (!this.#isGone) setText(this.#verdict, sentenceOf(error));
    }
  }

  /** @param {ComparedRun} a @param {ComparedRun} b @param {Disagreement} disagreement @param {Sides} sides */
  #show(a, b, { only_a: onlyA, only_b: onlyB, both_wrong: bothWrong, sentence }, sides) {
    this.#sides = sides;
    const { labels } = sides;
    const right = labels.length - onlyA.length - onlyB.length - bothWrong.length;
    setText(this.#a, `A: ${a.name} ${formatPercent((right + onlyA.length) / labels.length)}`);
    setText(this.#b, `B: ${b.name} ${formatPercent((right + onlyB.length) / labels.length)}`);
    setText(this.#both, `${formatCount(right)} of ${formatCount(labels.length)} right in both.`);
    setText(this.#verdict, sentence);
    const parts = [onlyA, bothWrong, onlyB];
    const texts = ["Only A", "Both wrong", "Only B"].map((name, n) => `${name} ${formatCount(parts[n].length)}`);
    parts.forEach((images, n) => {
      setText(this.#parts[n], texts[n]);
      this.#parts[n].style.flexGrow = String(images.length);
    });
    this.#bar.setAttribute("aria-label", texts.join(", "));
    this.#head.hidden = this.#places.hidden = false;
    this.#galleries[0].offer(onlyA, labels, (image) => `B: ${sides.b.predicted[image]}`);
    this.#galleries[1].offer(onlyB, labels, (image) => `A: ${sides.a.predicted[image]}`);
    this.#galleries[2].offer(bothWrong, labels, (image) => `${sides.a.predicted[image]}, ${sides.b.predicted[image]}`);
  }
}

/** The answers of the last tests of two runs. @param {RunEvaluations[]} sources @returns {Promise<Sides>} */
async function readSides(sources) {
  const answers = await Promise.all(sources.map(lastTest));
  const labels = await sources[0].labels("test");
  return { labels, a: answers[0], b: answers[1] };
}

/** @param {RunEvaluations} source */
async function lastTest(source) {
  const test = (await source.list()).evaluations.findLast(({ split }) => split === "test");
  if (!test) throw new Error("the server would have refused the comparison");
  return source.answers(test);
}

export const mount = mountView(DisagreementView, (/** @type {DisagreementData} */ { a, b }) => `${a.id}/${b.id}`);
