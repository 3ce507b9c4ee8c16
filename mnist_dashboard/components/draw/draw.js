/**
 * The view Draw: a pad, what the networks see of it, what each run reads while the hand moves, and how the run's answer came about
 * over its training. The drawing is judged on the server; nothing is prepared here.
 */
import { stream } from "../../feed/client/stream.js";
import { RequestError, request } from "../lib/evaluations/requests.js";
import { MAX_PICTURE_BYTES } from "../lib/constants.js";
import { make, setText } from "../lib/dom.js";
import { onThemeChange, palette, runColor } from "../lib/theme.js";
import { Asker } from "./answers/asker.js";
import { ReadPanel } from "./answers/read_panel.js";
import { makeButton } from "./buttons.js";
import { KeptPanel, decodeLevels } from "./kept/kept_panel.js";
import { encodeDrawing, keepLastDrawing, labelLastDrawing } from "./last_drawing.js";
import { Pad } from "./pad/pad.js";
import { PhotoInput } from "./pad/photo_input.js";
import { makePanel } from "./panel.js";
import { SeenPanel } from "./seen_panel.js";
import { StoryChart } from "./story/story_chart.js";
import { tellStory } from "./story/story_model.js";

/**
 * @import { Host } from "../lib/types"
 * @import { Occlusion } from "../mistakes/panels/heat_map.js"
 * @import { Answer, Judge } from "./answers/words.js"
 * @import { Story } from "./story/story_model.js"
 * @typedef {object} DrawData
 * @property {Judge[]} judges the run of the page first; none if no run has saved weights
 * @property {number} total_steps of the run of the page
 * @property {number[]} epochs steps at which they end
 * @property {boolean} may_keep whether the reader may keep drawings
 * @property {number} kept_version differs after every change of the kept drawings by the reader
 * @typedef {{image: string, notice: string, answers: Answer[]}} Reading `image` is base64 of 784 grey levels
 */

const READ_MS = 50; // between two questions while the pen moves
const STORY_MS = 300; // after the last change
const RETRY_MS = 1000;
const NEWER_WEIGHTS_MS = 10_000; // while a run trains, its answer changes
const UNREACHABLE = 0;

const WHILE_EMPTY = "The ten probabilities and the digit’s story show as soon as you draw.";
const WITHOUT_JUDGES = "Runs with saved weights can judge. Train one first.";
const WHILE_READING = "Reading …";
const WHILE_BUSY = "The server is busy; the last stroke is judged in a moment.";
const WHILE_LOST = "Reconnecting. The last stroke is judged when the server is back.";
const STORY_TITLE = "The digit’s story";
const STORY_KEY = "Grey: the seven other digits.";
const MAX_RUNS = 4;
const MEGABYTE = 2 ** 20;

class Draw {
  #data;
  #host;
  #pad = new Pad((hasStrokeEnded) => this.#changed(hasStrokeEnded));
  #photos = new PhotoInput(this.#pad.element, (file) => this.#takePhoto(file));
  #undo = makeButton("Undo", () => this.#pad.undo(), "undo");
  #clear = makeButton("Clear", () => this.#pad.clear(), "clear");
  #seen = new SeenPanel(() => this.#pad.turnRound(), () => this.#explainer.changed());
  #answers = new ReadPanel();
  #chart = new StoryChart();
  #kept = new KeptPanel({
    keep: (values) => this.#host.setTriggerValue("keep", values),
    edit: (values) => this.#host.setTriggerValue("edit", values),
    remove: (values) => {
      if (this.#pad.photo?.isPrepared) this.#pad.undo();
      this.#host.setTriggerValue("delete", values);
    },
    show: ({ image }) => this.#showKept(image),
    relabel: () => {
      labelLastDrawing(this.#kept.meant);
      this.#showAnswers();
    },
  });
  #storyWords = make("p", "mt-draw-note mt-story-words");
  #storyPanel = makePanel(STORY_TITLE, "", this.#chart.element, this.#storyWords);
  #box;
  #reader = new Asker(() => this.#read(), READ_MS);
  #teller = new Asker(() => this.#tell(), STORY_MS);
  #explainer = new Asker(() => this.#explain(), STORY_MS);
  /** Grows when an open question has become pointless: its answer is dropped. */
  #subject = 0;
  /** @type {Reading|null} */
  #reading = null;
  #judged = "";
  /** What was on the pad when it was last judged, instead of a drawing. */
  #photo = this.#pad.photo;
  /** Steps of the runs when they were asked. */
  #askedAt = "";
  #followTraining = setInterval(() => {
    if (document.hidden || this.#pad.isDrawing || !this.#reading || this.#askedAt === this.#stepsNow()) return;
    this.#reader.changed();
    this.#teller.changed();
  }, NEWER_WEIGHTS_MS);
  #stopWatchingTheme;

  /** @param {HTMLElement} root @param {DrawData} data @param {Host} host */
  constructor(root, data, host) {
    this.#data = data;
    this.#host = host;
    const padPanel = makePanel("Draw a digit", "Mouse, pen or finger", this.#pad.element,
      make("div", "mt-draw-tools", {}, this.#undo, this.#clear, this.#photos.element));
    const readPanel = makePanel("What the runs read", "", ...this.#answers.elements, this.#kept.form);
    padPanel.classList.add("mt-draw-pad");
    readPanel.classList.add("mt-draw-read");
    this.#storyPanel.classList.add("mt-draw-story");
    const keptPanel = makePanel("Your digits", "", this.#kept.element);
    keptPanel.classList.add("mt-draw-kept");
    this.#box = make("div", "mt-draw", {}, padPanel, readPanel, this.#seen.element, this.#storyPanel, keptPanel);
    root.append(this.#box);
    this.#stopWatchingTheme = onThemeChange(root, () => this.#redraw());
    this.#redraw();
    this.update(data, host);
  }

  /** @param {DrawData} data @param {Host} host */
  update(data, host) {
    this.#host = host;
    const haveChanged = JSON.stringify(data.judges) !== this.#judged;
    const keptBefore = `${this.#data.may_keep}/${this.#data.kept_version}`;
    if (haveChanged || keptBefore !== `${data.may_keep}/${data.kept_version}`) this.#kept.load(data.judges, data.may_keep);
    this.#judged = JSON.stringify(data.judges);
    this.#data = data;
    this.#answers.setJudges(data.judges);
    const [first] = data.judges;
    const title = this.#storyPanel.querySelector("h2");
    if (title) setText(title, first ? `${STORY_TITLE} in ${first.name}` : STORY_TITLE);
    this.#chart.setAxis(data.total_steps, data.epochs);
    if (!haveChanged) return;
    this.#forget();
    this.#changed(true);
  }

  destroy() {
    this.#answers.destroy();
    clearInterval(this.#followTraining);
    this.#subject++;
    this.#reader.close();
    this.#teller.close();
    this.#explainer.close();
    this.#stopWatchingTheme();
    this.#photos.destroy();
    this.#pad.destroy();
    this.#chart.destroy();
    this.#kept.destroy();
    this.#box.remove();
  }

  #redraw() {
    const colors = palette(this.#box);
    for (let i = 0; i < MAX_RUNS; i++) this.#box.style.setProperty(`--mt-run-${i}`, runColor(colors, i));
    this.#pad.draw();
    this.#chart.draw();
    this.#kept.draw();
    this.#seen.draw();
    this.#drawSeen();
  }

  /** @param {boolean} hasStrokeEnded */
  #changed(hasStrokeEnded) {
    this.#undo.disabled = !this.#pad.canUndo;
    this.#clear.disabled = this.#pad.isEmpty;
    const isPhoto = this.#pad.photo !== null && !this.#pad.photo.isPrepared;
    this.#seen.setKind(isPhoto);
    if (this.#pad.isEmpty || (isPhoto && this.#photo !== this.#pad.photo)) this.#kept.startAnew();
    if (this.#pad.isEmpty || !this.#data.judges.length) {
      this.#forget();
      return;
    }
    if (this.#photo !== this.#pad.photo) {
      this.#photo = this.#pad.photo;
      this.#forget(WHILE_READING); // the answers were about another picture
    }
    this.#reader.changed();
    if (hasStrokeEnded) this.#teller.changed(STORY_MS);
  }

  /** Empty all that shows answers. @param {string} [words] in their place */
  #forget(words = this.#data.judges.length ? WHILE_EMPTY : WITHOUT_JUDGES) {
    this.#subject++;
    this.#reader.drop();
    this.#teller.drop();
    this.#explainer.drop();
    this.#seen.clearHeat();
    this.#reading = null;
    this.#drawSeen();
    this.#showStory(null, "");
    this.#answers.clear({ rest: words });
  }

  async #read() {
    const { judges } = this.#data;
    this.#askedAt = this.#stepsNow();
    return this.#ask("inference/read", { runs: judges.map(({ id }) => id).join() }, (/** @type {Reading} */ reading) => {
      if (reading.image !== this.#reading?.image) this.#seen.clearHeat();
      this.#reading = reading;
      this.#explainer.changed(STORY_MS);
      this.#drawSeen();
      this.#showAnswers();
    }, (problem, isFinal) => {
      if (isFinal && this.#pad.isDrawing) return; // the first points of a digit cannot be read yet
      if (isFinal) this.#answers.clear({ main: problem });
      else this.#answers.delay(problem);
    });
  }

  #showAnswers() {
    if (this.#reading) this.#answers.show(this.#reading.answers, this.#kept.meant, this.#reading.notice);
  }

  #stepsNow() {
    return this.#data.judges.map(({ id }) => stream.run(id)?.step).join();
  }

  async #tell() {
    const run = this.#data.judges[0].id;
    return this.#ask("inference/story", { run }, (/** @type {Story} */ story) => this.#showStory(story, ""),
      (problem, isFinal) => {
        // What is wrong with a picture is said where its answer would be.
        if (isFinal) this.#showStory(null, this.#reading ? problem : "");
      });
  }

  /** Ask what the first run's answer rests on, with the weights that gave it. */
  async #explain() {
    const answer = this.#reading?.answers.find(({ probabilities }) => probabilities);
    if (!this.#seen.wantsHeat || !answer) return 0;
    const { judges } = this.#data;
    const name = judges.length > 1 ? judges.find(({ id }) => id === answer.run)?.name ?? "" : "";
    return this.#ask("inference/occlusion", { run: answer.run, step: answer.step ?? 0 },
      (/** @type {Occlusion} */ occlusion) => this.#seen.showHeat(occlusion, name),
      (problem) => this.#seen.clearHeat(problem));
  }

  /**
   * Send the picture with a question. Returns after how long to ask again: see `Asker`.
   * @param {string} path @param {Record<string, string|number>} query @param {(answer: any) => void} onAnswer
   * @param {(problem: string, isFinal: boolean) => void} onProblem
   */
  async #ask(path, query, onAnswer, onProblem) {
    const subject = this.#subject;
    const { photo } = this.#pad;
    const body = await this.#pad.picture();
    if (!body || subject !== this.#subject) return 0;
    /** @type {Record<string, number>} */
    const kind = photo && !photo.isPrepared ? { photo: 1, invert: photo.inverted ? 1 : 0 } : {};
    try {
      const response = await request(path, { ...query, ...kind }, { method: "POST", body });
      const answer = await response.json();
      if (subject === this.#subject) onAnswer(answer);
      return 0;
    } catch (error) {
      if (subject !== this.#subject) return 0;
      const status = error instanceof RequestError ? error.status : UNREACHABLE;
      const willPass = status === UNREACHABLE || status === 429 || status >= 500;
      onProblem(willPass ? (status === UNREACHABLE ? WHILE_LOST : WHILE_BUSY) : sentence(error), !willPass);
      return willPass ? RETRY_MS : 0;
    }
  }

  #drawSeen() {
    const levels = this.#reading && decodeLevels(this.#reading.image);
    this.#seen.show(levels);
    keepLastDrawing(levels);
    this.#kept.setImage(this.#reading?.image ?? null, this.#pad.photo?.isPrepared ?? false);
    labelLastDrawing(this.#kept.meant);
  }

  /** @param {Blob} file */
  #takePhoto(file) {
    if (file.size <= MAX_PICTURE_BYTES) {
      this.#pad.showPhoto(file);
      return;
    }
    // The server would close the connection while the picture is still on its way.
    this.#pad.clear();
    const main = `The picture has ${(file.size / MEGABYTE).toFixed(1)} MB. Choose one of at most ${MAX_PICTURE_BYTES / MEGABYTE} MB.`;
    this.#answers.clear({ main });
  }

  /** Put a kept drawing on the pad. @param {string} image */
  async #showKept(image) {
    this.#pad.showPhoto(await encodeDrawing(decodeLevels(image)), true);
  }

  /** @param {Story|null} story @param {string} problem */
  #showStory(story, problem) {
    this.#chart.show(story);
    setText(this.#storyWords, story?.steps.length ? [tellStory(story), STORY_KEY, story.notice].filter(Boolean).join(" ") : problem);
  }
}

/** @param {unknown} error */
function sentence(error) {
  return error instanceof RequestError ? error.message : "The answer could not be read. Reload the page.";
}

/** @param {HTMLElement} root @param {DrawData} data @param {Host} host */
export const mount = (root, data, host) => new Draw(root, data, host);
