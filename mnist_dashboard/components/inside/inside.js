/**
 * Inside the network of a run, at any of its evaluations: the filters of the first layer, the norms of all layers over the training,
 * what each layer makes of an image, and a map of all images. The evaluation and the image are those of the view Mistakes.
 */
import { DigitImages } from "../lib/evaluations/digit_images.js";
import { requestJson, sentenceOf } from "../lib/evaluations/requests.js";
import { RunEvaluations } from "../lib/evaluations/run_evaluations.js";
import { Scrubber } from "../lib/evaluations/scrubber.js";
import { BEFORE_FIRST, ShownEvaluation } from "../lib/evaluations/shown_evaluation.js";
import { describeEvaluation } from "../lib/evaluations/texts.js";
import { make, setText } from "../lib/dom.js";
import { onThemeChange } from "../lib/theme.js";
import { readChoice, selectImages } from "../mistakes/model/selection.js";
import { stream } from "../../feed/client/stream.js";
import { decodePoints } from "./model/map_layout.js";
import { Questions } from "./model/questions.js";
import { describeWeights } from "./model/words.js";
import { FiltersPanel } from "./panels/filters_panel.js";
import { LayersPanel } from "./panels/layers_panel.js";
import { MapPanel } from "./panels/map_panel.js";
import { NO_NORMS, NormsPanel } from "./panels/norms_panel.js";

/**
 * @import { Evaluated } from "../lib/evaluations/run_evaluations.js"
 * @import { Shown } from "../lib/evaluations/shown_evaluation.js"
 * @import { Host, Split } from "../lib/types"
 * @import { Place } from "../mistakes/mistakes.js"
 * @import { Question } from "./model/questions.js"
 * @import { Chosen } from "./panels/answer.js"
 * @typedef {{run: number, place: Place, version: number}} InsideData `version` grows when Python chose the place
 * @typedef {{explain: (problem: string) => void}} Panel
 */

const ADDRESS_MS = 400; // after the last move
const BEFORE_FILTERS = "Filters show from the first evaluation on.";
const [FILTERS, ACTIVATIONS, MAP, DEAD_UNITS] = ["filters", "activations", "map", "dead_units"].map((name) => `inference/${name}`);

/** @param {string} path @param {Record<string, string|number>} query */
async function ask(path, query) {
  const answer = await requestJson(path, query);
  return path === MAP ? { ...answer, points: decodePoints(answer.points) } : answer;
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
  /** @type {Map<string, string>} why a question has no answer, by its path */
  #problems = new Map();
  #normsOf = "";
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #telling;
  #filters = new FiltersPanel();
  #norms = new NormsPanel();
  #layers = new LayersPanel((image) => this.#choose(image), () => this.#showInMistakes());
  #map;
  #note = make("p", "mt-panel-note mt-inside-note", { role: "status" });
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
    this.#map = new MapPanel(this.#pictures, (image) => this.#choose(image));
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
      this.#goTo(data.place);
      this.#evaluations.show();
    }
  }

  destroy() {
    clearTimeout(this.#telling);
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
    this.#draw();
    this.#tellAddress();
  }

  #draw() {
    const { list, shown, problem } = this.#evaluations;
    const evaluation = shown?.evaluation ?? null;
    const run = stream.run(this.#data.run);
    const totalSteps = run?.total_steps || evaluation?.step || 1;
    const words = evaluation ? describeEvaluation(evaluation, list?.splits[evaluation.split].images ?? 0) : "";
    this.#scrubber.offer(list?.evaluations ?? [], evaluation, totalSteps, words,
      { epochEnds: run?.epoch_ends ?? [], follows: !this.#evaluations.wanted });
    this.#norms.setCursor(evaluation?.step ?? 0, totalSteps);
    this.#loadNorms();
    this.#showNote(problem === BEFORE_FIRST ? BEFORE_FILTERS : problem);
    const chosen = shown ? this.#placeImage(shown) : null;
    this.#layers.offerImage(chosen, shown?.labels?.length ?? 0);
    this.#map.choose(chosen?.image ?? -1);
    if (!shown) return;
    if (chosen) this.#drawPicture(chosen);
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
    const questions = [this.#question(FILTERS, evaluation, {}, (filters) => this.#filters.offer(filters), this.#filters)];
    if (!labels || !chosen) {
      for (const panel of [this.#layers, this.#map]) panel.explain(problem);
      return questions;
    }
    questions.push(
      this.#question(ACTIVATIONS, evaluation, { split, image: chosen.image }, (made) => this.#layers.offer(made), this.#layers),
      this.#question(MAP, evaluation, { split }, (map) => this.#map.offer(map, { evaluation, labels, answers }), this.#map),
      this.#question(DEAD_UNITS, evaluation, { split }, ({ dead }) => this.#layers.offerDead(dead, split)),
    );
    // Played, the map moves on every 0.7 s: too soon for the first answer about an evaluation.
    for (const next of this.#evaluations.neighbours().filter((other) => other.split === split)) {
      questions.push(this.#question(MAP, next, { split }, () => {}));
    }
    return questions;
  }

  /**
   * @param {string} path @param {Evaluated} evaluation @param {Record<string, string|number>} more of the query
   * @param {(answer: any) => void} show @param {Panel} [panel] that says why there is no answer @returns {Question}
   */
  #question(path, evaluation, more, show, panel) {
    const { step, weights_step: weightsStep } = evaluation;
    const query = { run: this.#data.run, step, ...more };
    const key = `${path}/${step}/${weightsStep}/${Object.values(more).join("/")}`;
    return {
      path,
      query,
      key,
      isBatch: path === MAP || path === DEAD_UNITS,
      onAnswer: (answer) => {
        show(answer);
        if (path === FILTERS) this.#showNote(describeWeights(answer.step, step));
      },
      onError: (error) => { if (panel) this.#explain(path, panel, sentenceOf(error)); },
    };
  }

  /** What is wrong with all questions is said once. @param {string} path @param {Panel} panel @param {string} sentence */
  #explain(path, panel, sentence) {
    const isKnown = [...this.#problems.values()].includes(sentence);
    this.#problems.set(path, sentence);
    panel.explain(isKnown ? "" : sentence);
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
      this.#norms.offer(await requestJson("norms.json", { run: this.#data.run }), NO_NORMS);
    } catch (error) {
      this.#norms.offer(null, sentenceOf(error));
    }
  }

  /** @param {string} text */
  #showNote(text) {
    setText(this.#note, text);
    this.#note.hidden = !text;
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

/** @param {HTMLElement} root @param {InsideData} data @param {Host} host */
export const mount = (root, data, host) => {
  let shownRun = data.run;
  let view = new Inside(root, data, host);
  return {
    /** @param {InsideData} next @param {Host} nextHost */
    update(next, nextHost) {
      if (next.run === shownRun) {
        view.update(next, nextHost);
        return;
      }
      shownRun = next.run;
      view.destroy();
      view = new Inside(root, next, nextHost);
    },
    destroy: () => view.destroy(),
  };
};
