/**
 * Inside the network of a run, at any of its evaluations: the filters of the first layer, the norms of all layers over the training,
 * what each layer makes of an image, and a map of all images. The evaluation and the image are those of the view Mistakes.
 */
import { DigitImages } from "../lib/evaluations/digit_images.js";
import { mountView } from "../lib/evaluations/mount_view.js";
import { RequestError, requestJson, sentenceOf } from "../lib/evaluations/requests.js";
import { RunEvaluations } from "../lib/evaluations/run_evaluations.js";
import { Scrubber } from "../lib/evaluations/scrubber.js";
import { BEFORE_FIRST, LOADING, ShownEvaluation } from "../lib/evaluations/shown_evaluation.js";
import { describeEvaluation } from "../lib/evaluations/texts.js";
import { RUN_STATUSES } from "../lib/constants.js";
import { make, setText } from "../lib/dom.js";
import { encodeDrawing, lastDrawing, takeNewDrawing } from "../draw/last_drawing.js";
import { onThemeChange } from "../lib/theme.js";
import { readChoice, selectImages } from "../mistakes/model/selection.js";
import { stream } from "../../feed/client/stream.js";
import { decodePoints } from "./model/map_layout.js";
import { Problems } from "./questions/problems.js";
import { Questions } from "./questions/questions.js";
import { describeWeights, explainNoNorms } from "./model/words.js";
import { FiltersPanel } from "./panels/filters_panel.js";
import { LayersPanel } from "./panels/layers_panel.js";
import { MapPanel } from "./panels/map_panel.js";
import { NormsPanel } from "./panels/norms_panel.js";

/**
 * @import { Evaluated } from "../lib/evaluations/run_evaluations.js"
 * @import { Shown } from "../lib/evaluations/shown_evaluation.js"
 * @import { LastDrawing } from "../draw/last_drawing.js"
 * @import { Host, Split } from "../lib/types"
 * @import { Place } from "../mistakes/mistakes.js"
 * @import { Question } from "./questions/questions.js"
 * @import { Chosen } from "./panels/answer.js"
 * @typedef {{run: number, place: Place, version: number}} InsideData `version` grows when Python chose the place
 */

const ADDRESS_MS = 400; // after the last move
const RETRY_MS = 35_000; // after an answer that did not come in time; the server lets the network rest as long
const BUSY = 503;
const BEFORE_FILTERS = "Filters show from the first evaluation on.";
const [FILTERS, ACTIVATIONS, STORY, MAP, TSNE, DEAD_UNITS] = ["filters", "activations", "story", "map", "tsne", "dead_units"]
  .map((name) => `inference/${name}`);

/** @param {string} path @param {Record<string, string|number>} query @param {Promise<Blob>} [body] */
async function ask(path, query, body) {
  const answer = await requestJson(path, query, body && { method: "POST", body: await body });
  return path === MAP || path === TSNE ? { ...answer, points: decodePoints(answer.points) } : answer;
}

class Inside {
  #host;
  #data;
  #pictures;
  #evaluations;
  #questions = new Questions(ask);
  #cell = "";
  /** @type {number|null} */
  #image = null;
  /** @type {Split|null} of the chosen image */
  #split = null;
  /** @type {string|null} the evaluations there were when norms were asked for */
  #normsOf = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #telling;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #retrying;
  #filters = new FiltersPanel();
  #norms = new NormsPanel();
  /** The reader's own digit, if it is looked at instead of an image. */
  #drawing = takeNewDrawing();
  #layers = new LayersPanel((image) => this.#choose(image), () => this.#toggleDrawing(), () => this.#showInMistakes());
  #map;
  #problems;
  #note = make("p", "mt-inside-note", { role: "status" });
  #scrubber = new Scrubber((evaluation, isNewest) => {
    this.#evaluations.goTo(isNewest ? null : evaluation.step, isNewest ? null : evaluation.split);
    this.#evaluations.show();
    this.#tellAddress();
  });
  #box;
  #stopWatchingTheme;
  #resizing = new ResizeObserver(() => this.#redraw());

  /** @param {HTMLElement} root @param {InsideData} data @param {Host} host */
  constructor(root, data, host) {
    this.#host = host;
    this.#data = data;
    const source = new RunEvaluations(data.run);
    this.#pictures = new DigitImages(source);
    this.#map = new MapPanel(this.#pictures, (image) => this.#choose(image), () => this.#draw());
    this.#problems = new Problems({ [FILTERS]: this.#filters, [ACTIVATIONS]: this.#layers, [MAP]: this.#map });
    this.#evaluations = new ShownEvaluation(source, () => this.#draw(), { needsWeights: true });
    this.#box = make("div", "mt-inside", {}, this.#filters.element, this.#norms.element, this.#layers.element, this.#map.element,
      this.#note, this.#scrubber.element);
    root.append(this.#box);
    this.#stopWatchingTheme = onThemeChange(root, () => this.#redraw());
    this.#resizing.observe(this.#box);
    this.#goTo(data.place);
    this.#draw();
    this.#evaluations.refresh();
  }

  /** @param {InsideData} data @param {Host} host */
  update(data, host) {
    this.#host = host;
    const { version } = this.#data;
    this.#data = data;
    if (data.version !== version) {
      this.#drawing = null;
      this.#goTo(data.place);
      this.#evaluations.show();
    }
  }

  destroy() {
    clearTimeout(this.#telling);
    clearTimeout(this.#retrying);
    this.#resizing.disconnect();
    this.#stopWatchingTheme();
    this.#questions.close();
    this.#evaluations.destroy();
    this.#scrubber.destroy();
    this.#map.destroy();
    this.#box.remove();
  }

  /** @param {Place} place */
  #goTo({ step, split, cell, image }) {
    this.#evaluations.goTo(step, split);
    this.#cell = cell;
    this.#image = image;
    this.#split = null;
  }

  /** @param {number} image */
  #choose(image) {
    this.#image = image;
    this.#drawing = null;
    this.#draw();
    this.#tellAddress();
  }

  #toggleDrawing() {
    this.#drawing = this.#drawing ? null : lastDrawing();
    this.#draw();
  }

  #draw() {
    const { list, shown, problem } = this.#evaluations;
    const evaluation = shown?.evaluation ?? null;
    const run = stream.run(this.#data.run);
    const totalSteps = run?.total_steps || evaluation?.step || 1;
    const words = evaluation ? describeEvaluation(evaluation, list?.splits[evaluation.split].images ?? 0) : "";
    this.#scrubber.offer(list?.evaluations ?? [], evaluation, totalSteps, words,
      { epochEnds: run?.epoch_ends ?? [], follows: !this.#evaluations.wanted });
    this.#norms.setCursor(evaluation?.step ?? 0);
    this.#loadNorms();
    const chosen = shown ? this.#placeImage(shown) : null;
    this.#layers.offerImage(chosen, shown?.labels?.length ?? 0);
    this.#layers.offerDrawing(lastDrawing() !== null, this.#drawing);
    this.#map.choose(this.#drawing ? -1 : chosen?.image ?? -1);
    if (!shown) {
      setText(this.#note, "");
      this.#problems.addToAll(problem === BEFORE_FIRST ? BEFORE_FILTERS : problem === LOADING ? "" : problem);
      return;
    }
    if (chosen && !this.#drawing) this.#drawPicture(chosen);
    this.#problems.clear();
    this.#questions.want(this.#questionsFor(shown, chosen));
  }

  /** The chosen image, or else the first that Mistakes would show. @param {Shown} shown @returns {Chosen|null} */
  #placeImage({ evaluation: { split }, labels, answers }) {
    if (!labels) return null;
    if (this.#split !== null && split !== this.#split) this.#image = null; // the number means another image there
    this.#split = split;
    if (this.#image === null || this.#image >= labels.length) {
      this.#image = selectImages(readChoice(this.#cell), labels, answers, answers.levels ? "confident" : "random")[0] ?? 0;
    }
    return { split, image: this.#image, label: labels[this.#image], answers };
  }

  /** @param {Shown} shown @param {Chosen|null} chosen */
  #questionsFor(shown, chosen) {
    const { evaluation, labels, answers, problem } = shown;
    const { split } = evaluation;
    const questions = [this.#question(FILTERS, evaluation, {}, (filters) => this.#filters.offer(filters))];
    if (this.#drawing) questions.push(...this.#questionsOn(this.#drawing, evaluation));
    if (!labels || !chosen) {
      for (const path of this.#drawing ? [MAP] : [ACTIVATIONS, MAP]) this.#problems.add(path, problem);
      return questions;
    }
    if (!this.#drawing) {
      questions.push(this.#question(ACTIVATIONS, evaluation, { split, image: chosen.image }, (made) => this.#layers.offer(made)));
    }
    const map = this.#map.isTsne ? TSNE : MAP;
    const points = this.#question(map, evaluation, { split }, (answer) => this.#map.offer(answer, { evaluation, labels, answers }));
    const dead = this.#question(DEAD_UNITS, evaluation, { split }, (answer) => this.#layers.offerDead(answer.dead, split));
    questions.push(...(this.#map.isTsne ? [dead, points] : [points, dead])); // t-SNE takes long
    // Played, the map moves on every 0.7 s: too soon for the first answer about an evaluation.
    for (const next of this.#evaluations.neighbours().filter((other) => other.split === split)) {
      const { path, query, key, isBatch, isDone } = this.#question(map, next, { split }, () => {});
      questions.push({ path, query, key, isBatch, isDone });
    }
    return questions;
  }

  /** What each layer makes of a drawing, and how it is read. @param {LastDrawing} drawing @param {Evaluated} evaluation */
  #questionsOn(drawing, evaluation) {
    const body = encodeDrawing(drawing.levels);
    const showReading = (/** @type {{steps: number[], probabilities: number[][]}} */ { steps, probabilities }) => {
      const away = steps.map((step) => Math.abs(step - evaluation.step));
      this.#layers.offerReading(probabilities[away.indexOf(Math.min(...away))], drawing.label);
    };
    const story = this.#question(STORY, evaluation, {}, showReading);
    const layers = this.#question(ACTIVATIONS, evaluation, {}, (made) => this.#layers.offer(made));
    return [story, layers].map((question) => ({ ...question, body, key: `${question.key}/drawing ${drawing.version}` }));
  }

  /**
   * @param {string} path @param {Evaluated} evaluation @param {Record<string, string|number>} more of the query
   * @param {(answer: any) => void} show @returns {Question}
   */
  #question(path, evaluation, more, show) {
    const { step, weights_step: weightsStep } = evaluation;
    const query = { run: this.#data.run, step, ...more };
    const key = `${path}/${step}/${weightsStep}/${Object.values(more).join("/")}`;
    return {
      path,
      query,
      key,
      isBatch: [MAP, TSNE, DEAD_UNITS].includes(path),
      isDone: (answer) => path !== TSNE || answer.done,
      onAnswer: (answer) => {
        show(answer);
        if (path === FILTERS) setText(this.#note, describeWeights(answer.step, step));
      },
      onError: (error) => {
        this.#problems.add(path === TSNE ? MAP : path, sentenceOf(error));
        if (error instanceof RequestError && error.status === BUSY) this.#askLater();
      },
    };
  }

  #askLater() {
    clearTimeout(this.#retrying);
    this.#retrying = setTimeout(() => this.#draw(), RETRY_MS);
  }

  /** @param {Chosen} chosen */
  async #drawPicture({ split, image }) {
    const [picture] = await this.#pictures.load(split, [image]).catch(() => [null]);
    if (image === this.#image && split === this.#split) this.#layers.drawPicture(picture);
  }

  /** Norms are recorded between evaluations: ask again at each. */
  async #loadNorms() {
    const evaluations = (this.#evaluations.list?.evaluations ?? []).map(({ id }) => id).join();
    if (!this.#evaluations.list || evaluations === this.#normsOf) return;
    this.#normsOf = evaluations;
    try {
      const norms = await requestJson("norms.json", { run: this.#data.run });
      const run = stream.run(this.#data.run);
      this.#norms.offer(norms, explainNoNorms(Boolean(run?.settings.skip_norms), RUN_STATUSES[run?.status ?? ""]?.is_finished));
    } catch (error) {
      this.#norms.offer(null, sentenceOf(error));
    }
  }

  #redraw() {
    this.#filters.redraw();
    this.#norms.redraw();
    this.#layers.redraw();
    this.#map.redraw();
  }

  #place() {
    const { wanted } = this.#evaluations;
    const step = wanted && Number.isFinite(wanted.step) ? wanted.step : null;
    return { run: this.#data.run, step, split: wanted?.split ?? null, cell: this.#cell, image: this.#image };
  }

  /** Mistakes shows the image among all that are read like it. */
  #showInMistakes() {
    const { shown } = this.#evaluations;
    if (!shown?.labels || this.#image === null) return;
    const { evaluation: { step, split }, labels, answers: { predicted } } = shown;
    const cell = `${labels[this.#image]}-${predicted[this.#image]}`;
    clearTimeout(this.#telling);
    this.#host.setTriggerValue("mistakes", { ...this.#place(), step, split, cell });
  }

  #tellAddress() {
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.#host.setStateValue("place", this.#place()), ADDRESS_MS);
  }
}

export const mount = mountView(Inside);
