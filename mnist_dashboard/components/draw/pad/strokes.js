/** The strokes of a drawing, and how to take them back. Pure. */

/** @typedef {[x: number, y: number]} Point in pixels from the middle of the pad, so that pads of other sizes show the same */

const MIN_DISTANCE = 1.5; // pixels between two points: closer ones change nothing that is seen
const MAX_STROKES = 200;
const MAX_POINTS = 2000; // of a stroke; a longer one goes on in another

export class Strokes {
  /** @type {Point[][]} */
  #strokes = [];
  /** @type {Point[][]|null} what Clear has removed, for Undo */
  #cleared = null;

  /** @type {readonly Point[][]} */
  get all() {
    return this.#strokes;
  }

  get isEmpty() {
    return !this.#strokes.length;
  }

  get canUndo() {
    return !this.isEmpty || this.#cleared !== null;
  }

  /** @param {Point} point */
  begin(point) {
    this.#cleared = null;
    if (this.#strokes.length >= MAX_STROKES) this.#strokes.shift();
    this.#strokes.push([point]);
  }

  /** Extend the last stroke. @param {Point} point @returns {boolean} whether the drawing has changed */
  extend(point) {
    const stroke = this.#strokes.at(-1);
    const last = stroke?.at(-1);
    if (!stroke || !last || Math.hypot(point[0] - last[0], point[1] - last[1]) < MIN_DISTANCE) return false;
    stroke.push(point);
    if (stroke.length >= MAX_POINTS) this.begin(point);
    return true;
  }

  /** Take back the last stroke, or the last Clear. @returns {boolean} whether there was anything to take back */
  undo() {
    if (this.isEmpty && this.#cleared) {
      this.#strokes = this.#cleared;
      this.#cleared = null;
      return true;
    }
    return this.#strokes.pop() !== undefined;
  }

  clear() {
    if (!this.isEmpty) this.#cleared = this.#strokes;
    this.#strokes = [];
  }
}
