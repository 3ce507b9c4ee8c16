/**
 * One handle that moves through the evaluations of a run: by pointer, with the arrows, Home and End, or by itself when played.
 * It is a slider for screen readers. Until it is moved it follows the newest evaluation.
 */
import { make, setAttribute, setText } from "../dom.js";
import { formatCount } from "../format.js";
import { drawSvg } from "../svg.js";
import { inOrder, nearestPlace, placeOnTrack } from "./scrub_track.js";

/**
 * @import { Split } from "../types"
 * @import { Evaluated } from "./run_evaluations.js"
 */

const [WIDTH, HEIGHT, MARGIN] = [1000, 40, 8]; // of the drawing, in its own units; it is stretched sideways
const PLAY_MS = 700; // an evaluation

export class Scrubber {
  /** @type {Evaluated[]} */
  #evaluations = [];
  /** @type {{x: number, y: number}[]} */
  #places = [];
  #index = 0;
  /** @type {ReturnType<typeof setInterval>|undefined} */
  #playing;
  #drawn = "";
  #onMove;
  #play = make("button", "mt-scrub-play", { type: "button" });
  #curve = drawSvg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  #dots = make("div", "mt-scrub-dots", { "aria-hidden": "true" });
  #handle = make("div", "mt-scrub-handle", {});
  #track = make("div", "mt-scrub-track", { role: "slider", tabindex: "0", "aria-label": "Evaluation" },
    this.#curve, this.#dots);
  #title = make("div", "mt-scrub-title");
  #words = make("div", "mt-scrub-words");
  #newest = make("button", "mt-scrub-newest", { type: "button" }, "Follow the newest");
  element = make("section", "mt-scrub", { "aria-label": "Evaluations of the run" }, this.#play, this.#track,
    make("div", "mt-scrub-text", {}, this.#title, this.#words, this.#newest));

  /** @param {(evaluation: Evaluated, isNewest: boolean) => void} onMove called when the reader, or the player, has moved it */
  constructor(onMove) {
    this.#onMove = onMove;
    this.#play.addEventListener("click", () => this.#togglePlaying());
    this.#newest.addEventListener("click", () => this.#move(this.#evaluations.length - 1));
    this.#track.addEventListener("keydown", (event) => this.#onKey(event));
    this.#track.addEventListener("pointerdown", (event) => {
      this.#track.setPointerCapture(event.pointerId);
      this.#moveTo(event);
    });
    this.#track.addEventListener("pointermove", (event) => {
      if (this.#track.hasPointerCapture(event.pointerId)) this.#moveTo(event);
    });
    this.#showPlaying();
  }

  /**
   * Show the evaluations so far and the one that the page shows.
   * @param {Evaluated[]} evaluations @param {Evaluated|null} shown @param {number} totalSteps @param {string} words on the one shown
   * @param {{epochEnds: number[], follows: boolean}} more steps at which epochs end, and whether the page follows the newest evaluation
   */
  offer(evaluations, shown, totalSteps, words, { epochEnds, follows }) {
    this.#evaluations = inOrder(evaluations);
    this.#index = Math.max(0, this.#evaluations.findIndex((evaluation) => evaluation.id === shown?.id));
    this.#places = placeOnTrack(this.#evaluations, totalSteps);
    this.#drawTrack(totalSteps, epochEnds);
    const last = this.#evaluations.length - 1;
    this.#play.disabled = last < 1;
    this.#newest.hidden = this.#index === last || !shown || follows;
    const place = this.#places[this.#index];
    this.#handle.hidden = !place;
    if (place) this.#handle.style.left = `${100 * place.x}%`;
    if (place) this.#handle.style.setProperty("--y", String(place.y));
    setText(this.#title, shown ? `Step ${formatCount(shown.step)} of ${formatCount(totalSteps)}` : "No evaluation yet");
    setText(this.#words, words);
    setAttribute(this.#track, "aria-valuemin", "1");
    setAttribute(this.#track, "aria-valuemax", String(Math.max(1, last + 1)));
    setAttribute(this.#track, "aria-valuenow", String(this.#index + 1));
    setAttribute(this.#track, "aria-valuetext", shown ? `Step ${formatCount(shown.step)}, ${words}` : "No evaluation yet");
  }

  destroy() {
    clearInterval(this.#playing);
  }

  /** @param {number} totalSteps @param {number[]} epochEnds */
  #drawTrack(totalSteps, epochEnds) {
    const content = `${totalSteps}/${epochEnds.join()}/${this.#evaluations.map(({ id }) => id).join()}`;
    if (content === this.#drawn) return;
    this.#drawn = content;
    this.#curve.replaceChildren(...this.#drawCurve("validation"), ...this.#drawCurve("test"));
    const ends = epochEnds.filter((step) => step <= totalSteps);
    const shown = ends.filter((_, i) => (ends.length - 1 - i) % Math.ceil(ends.length / 6) === 0);
    this.#dots.replaceChildren(
      ...this.#places.map(({ x, y }, i) => {
        const dot = make("span", "mt-scrub-dot", { "data-split": this.#evaluations[i].split });
        dot.style.left = `${100 * x}%`;
        dot.style.setProperty("--y", String(y));
        return dot;
      }),
      this.#handle,
      ...shown.map((step) => {
        const tick = make("span", "mt-scrub-epoch", {}, `epoch ${ends.indexOf(step) + 1}`);
        tick.style.left = `${(100 * step) / totalSteps}%`;
        return tick;
      }),
    );
  }

  /** The evaluations of one split, joined by a line. @param {Split} split */
  #drawCurve(split) {
    const places = this.#places.filter((_, i) => this.#evaluations[i].split === split);
    if (places.length < 2) return [];
    const points = places.map(({ x, y }) => `${WIDTH * x},${HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * y}`);
    const [first, last] = [places[0].x, places[places.length - 1].x];
    return [
      drawSvg("polygon", { points: [`${WIDTH * first},${HEIGHT}`, ...points, `${WIDTH * last},${HEIGHT}`].join(" ") }),
      drawSvg("polyline", { points: points.join(" "), "vector-effect": "non-scaling-stroke" }),
    ];
  }

  /** @param {PointerEvent} event */
  #moveTo(event) {
    if (!this.#places.length) return;
    const { left, width } = this.#dots.getBoundingClientRect();
    this.#stop();
    this.#move(nearestPlace(this.#places, (event.clientX - left) / width));
  }

  /** @param {number} index */
  #move(index) {
    const next = Math.min(this.#evaluations.length - 1, Math.max(0, index));
    if (next === this.#index || !this.#evaluations[next]) return;
    this.#index = next;
    this.#onMove(this.#evaluations[next], next === this.#evaluations.length - 1);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    /** @type {Record<string, number>} */
    const targets = {
      ArrowLeft: this.#index - 1, ArrowDown: this.#index - 1, ArrowRight: this.#index + 1, ArrowUp: this.#index + 1,
      Home: 0, End: this.#evaluations.length - 1,
    };
    if (event.ctrlKey || event.altKey || event.metaKey || !(event.key in targets)) return;
    event.preventDefault();
    this.#stop();
    this.#move(targets[event.key]);
  }

  #togglePlaying() {
    if (this.#playing !== undefined) {
      this.#stop();
      return;
    }
    if (this.#index === this.#evaluations.length - 1) this.#move(0);
    this.#playing = setInterval(() => {
      this.#move(this.#index + 1);
      if (this.#index >= this.#evaluations.length - 1) this.#stop();
    }, PLAY_MS);
    this.#showPlaying();
  }

  #stop() {
    clearInterval(this.#playing);
    this.#playing = undefined;
    this.#showPlaying();
  }

  #showPlaying() {
    const isPlaying = this.#playing !== undefined;
    setText(this.#play, isPlaying ? "❚❚" : "▷");
    setAttribute(this.#play, "aria-label", isPlaying ? "Pause" : "Play the evaluations");
  }
}
