/**
 * The images behind the confusion matrix, for any evaluation of a run: matrix, gallery, one image in detail, scores by digit, and the
 * scrubber that moves them all. The browser holds the answers of an evaluation, so that only images and questions to the network
 * need the server.
 */
import { stream } from "../../feed/client/stream.js";
import { DigitImages } from "../lib/evaluations/digit_images.js";
import { mountView } from "../lib/evaluations/mount_view.js";
import { sentenceOf } from "../lib/evaluations/requests.js";
import { RunEvaluations } from "../lib/evaluations/run_evaluations.js";
import { Scrubber } from "../lib/evaluations/scrubber.js";
import { BEFORE_FIRST, ShownEvaluation } from "../lib/evaluations/shown_evaluation.js";
import { describeEvaluation } from "../lib/evaluations/texts.js";
import { takeNewDrawing } from "../draw/last_drawing.js";
import { make } from "../lib/dom.js";
import { onThemeChange } from "../lib/theme.js";
import { countMatrix, describeChoice, describeNone, readChoice, selectImages, writeChoice } from "./model/selection.js";
import { ClassPanel } from "./panels/class_panel.js";
import { Detail } from "./panels/detail.js";
import { Gallery } from "./panels/gallery.js";
import { MatrixPanel } from "./panels/matrix_panel.js";

/**
 * @import { Evaluated } from "../lib/evaluations/run_evaluations.js"
 * @import { Shown } from "../lib/evaluations/shown_evaluation.js"
 * @import { Host, Matrix, Split } from "../lib/types"
 * @import { Choice, Order } from "./model/selection.js"
 * @typedef {{step: number|null, split: Split|null, cell: string, image: number|null}} Place what the address says; without a step and a
 *   split it follows the newest evaluation
 * @typedef {{run: number, place: Place, version: number, may_evaluate: boolean}} MistakesData `version` grows when Python chose the place
 */

const ADDRESS_MS = 400; // after the last move
const PHONE_WIDTH = 620; // as in the style sheet
const ADVICE = "Choose a cell with a number in it, or move the scrubber.";
/** @type {[width: number, images: number][]} images on a page, from this width on */
const PAGE_SIZES = [[900, 15], [560, 16], [0, 10]];

class Mistakes {
  #host;
  #data;
  #pictures;
  #evaluations;
  /** @type {Choice} */
  #choice = { label: null, predicted: null };
  /** @type {Order} */
  #order = "confident";
  #page = 0;
  /** @type {number|null} */
  #image = null;
  /** @type {Split|null} of the chosen image */
  #split = null;
  /** @type {Map<Split, number|null>} the chosen images: a reader who comes back to a split finds the same one */
  #chosen = new Map();
  /** Why images cannot be had, although labels can. */
  #pictureProblem = "";
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #telling;
  #matrix = new MatrixPanel(
    ([label, predicted]) => this.#choose({ label, predicted }),
    () => this.#host.setTriggerValue("evaluate", true),
  );
  #gallery = new Gallery({
    order: (order) => this.#change({ order, page: 0, image: null }),
    label: (label) => this.#choose({ label, predicted: null }),
    page: (page) => this.#change({ page, image: null }),
    image: (image) => this.#change({ image }),
  });
  #classes;
  #scrubber = new Scrubber((evaluation, isNewest) => {
    this.#evaluations.goTo(isNewest ? null : evaluation.step, isNewest ? null : evaluation.split);
    this.#evaluations.show();
    this.#tellAddress();
  });
  #detail;
  #box;
  #stopWatchingTheme;
  #resizing = new ResizeObserver(() => this.#fit());

  /** @param {HTMLElement} root @param {MistakesData} data @param {Host} host */
  constructor(root, data, host) {
    this.#host = host;
    this.#data = data;
    const source = new RunEvaluations(data.run);
    this.#pictures = new DigitImages(source);
    this.#classes = new ClassPanel(data.run);
    this.#detail = new Detail(source, this.#pictures, () => this.#lookInside());
    this.#evaluations = new ShownEvaluation(source, () => this.#draw());
    this.#box = make("div", "mt-mistakes", {}, this.#matrix.element, this.#gallery.element, this.#detail.element,
      this.#classes.element, this.#scrubber.element);
    root.append(this.#box);
    this.#stopWatchingTheme = onThemeChange(root, () => this.#redraw());
    this.#resizing.observe(this.#box);
    this.#goTo(data.place);
    if (data.place.cell) this.#showGallery();
    this.#fit();
    this.#draw();
    this.#evaluations.refresh();
  }

  /** @param {MistakesData} data @param {Host} host */
  update(data, host) {
    this.#host = host;
    const { version } = this.#data;
    this.#data = data;
    if (data.version !== version) {
      this.#goTo(data.place);
      this.#showGallery();
      this.#evaluations.show();
    }
  }

  destroy() {
    clearTimeout(this.#telling);
    this.#resizing.disconnect();
    this.#stopWatchingTheme();
    this.#evaluations.destroy();
    this.#scrubber.destroy();
    this.#detail.destroy();
    this.#classes.destroy();
    this.#box.remove();
  }

  /** @param {Place} place */
  #goTo({ step, split, cell, image }) {
    this.#evaluations.goTo(step, split);
    this.#choice = readChoice(cell);
    this.#image = image;
    this.#split = null;
    this.#page = 0;
  }

  /** @param {Choice} choice */
  #choose(choice) {
    this.#choice = choice;
    this.#change({ page: 0, image: null });
    this.#showGallery();
  }

  /** Where everything stands below each other, the images of a cell are out of sight. */
  #showGallery() {
    if (this.#box.clientWidth < PHONE_WIDTH) this.#gallery.element.scrollIntoView({ block: "start" });
  }

  /** What the reader looks at. @param {{order?: Order, page?: number, image?: number|null}} change */
  #change({ order = this.#order, page = this.#page, image = this.#image }) {
    this.#order = order;
    this.#page = page;
    this.#image = image;
    this.#draw();
    this.#tellAddress();
  }

  #fit() {
    const width = this.#box.clientWidth;
    const size = PAGE_SIZES.find(([from]) => width >= from)?.[1] ?? 10;
    if (size === this.#gallery.pageSize || !width) return;
    this.#gallery.setPageSize(size);
    this.#draw();
  }

  #draw() {
    const { list, shown, problem } = this.#evaluations;
    const matrix = shown && (shown.labels ? countMatrix(shown.labels, shown.answers.predicted) : this.#recordedMatrix(shown.evaluation));
    const { label, predicted } = this.#choice;
    const canEvaluate = this.#data.may_evaluate && problem === BEFORE_FIRST;
    const cell = label !== null && predicted !== null ? /** @type {[number, number]} */ ([label, predicted]) : null;
    this.#matrix.offer(shown?.evaluation ?? null, matrix, cell, problem, canEvaluate);
    this.#drawImages(shown, matrix, problem);
    this.#classes.offer(shown?.evaluation ?? null, matrix, label, shown?.problem ? null : this.#image);
    const run = stream.run(this.#data.run);
    this.#classes.setAxis(run?.total_steps ?? 0, run?.epoch_ends ?? []);
    const evaluation = shown?.evaluation ?? null;
    const words = evaluation ? describeEvaluation(evaluation, list?.splits[evaluation.split].images ?? 0) : "";
    this.#scrubber.offer(list?.evaluations ?? [], evaluation, run?.total_steps || evaluation?.step || 1, words,
      { epochEnds: run?.epoch_ends ?? [], follows: !this.#evaluations.wanted });
  }

  /** @param {Shown|null} shown @param {Matrix|null} matrix @param {string} problem */
  #drawImages(shown, matrix, problem) {
    const { labels = null, answers = null } = shown ?? {};
    const hasOrder = !answers || Boolean(answers.levels);
    const order = hasOrder ? this.#order : "random";
    this.#gallery.offerChoice(describeChoice(this.#choice), this.#choice.label, order, hasOrder);
    const images = labels && answers ? selectImages(this.#choice, labels, answers, order) : [];
    if (shown && labels) this.#placeImage(images, shown.evaluation.split);
    const none = images.length || !matrix ? "" : `${describeNone(this.#choice)} ${ADVICE}`;
    const note = problem || shown?.problem || this.#pictureProblem || none;
    const onPage = this.#gallery.offerImages(images, this.#page, labels, answers, this.#image, note);
    const image = this.#image;
    const isKnown = shown && labels && answers && image !== null && image < labels.length && !note;
    this.#detail.offer(isKnown ? { evaluation: shown.evaluation, image, label: labels[image], answers } : null,
      matrix ? "An image shows here in detail." : "");
    if (shown && !note) this.#drawPictures(shown, onPage);
  }

  /**
   * Keep the chosen image while it is among those of the choice; else choose the first of the page.
   * @param {number[]} images @param {Split} split
   */
  #placeImage(images, split) {
    const size = this.#gallery.pageSize;
    if (this.#split !== null && split !== this.#split) this.#image = this.#chosen.get(split) ?? null; // the number means another image
    this.#split = split;
    const at = this.#image === null ? -1 : images.indexOf(this.#image);
    if (at >= 0) this.#page = Math.floor(at / size);
    this.#page = Math.min(this.#page, Math.max(0, Math.ceil(images.length / size) - 1));
    if (at < 0) this.#image = images[this.#page * size] ?? null;
    this.#chosen.set(split, this.#image);
  }

  /** @param {Shown} shown @param {number[]} images */
  async #drawPictures(shown, images) {
    const isCurrent = () => this.#evaluations.shown === shown && images.join() === this.#gallery.images.join();
    try {
      const pictures = await this.#pictures.load(shown.evaluation.split, images);
      if (isCurrent()) this.#gallery.draw(pictures);
    } catch (error) {
      if (!isCurrent()) return;
      this.#pictureProblem = sentenceOf(error);
      this.#draw();
      this.#pictureProblem = ""; // the next page may succeed
    }
  }

  /** The counts of an evaluation whose labels are gone. @param {Evaluated} evaluation @returns {Matrix|null} */
  #recordedMatrix({ step, split }) {
    const evaluations = stream.series(this.#data.run)?.evaluations ?? [];
    return evaluations.find((evaluation) => evaluation.step === step && evaluation.split === split)?.confusion ?? null;
  }

  /** The theme has changed. */
  #redraw() {
    this.#draw();
    this.#detail.redraw();
  }

  #place() {
    const { wanted } = this.#evaluations;
    const step = wanted && Number.isFinite(wanted.step) ? wanted.step : null;
    return { run: this.#data.run, step, split: wanted?.split ?? null, cell: writeChoice(this.#choice), image: this.#image };
  }

  #lookInside() {
    const { shown } = this.#evaluations;
    if (!shown) return;
    const { step, split } = shown.evaluation;
    takeNewDrawing(); // the reader wants to see this image
    clearTimeout(this.#telling);
    this.#host.setTriggerValue("inside", { ...this.#place(), step, split });
  }

  #tellAddress() {
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.#host.setStateValue("place", this.#place()), ADDRESS_MS);
  }
}

export const mount = mountView(Mistakes);
