/** Finds the point nearest to a place among thousands, by a grid of cells. Pure. */

const CELL = 12; // pixels

export class PointIndex {
  #points;
  #columns;
  #rows;
  /** Where the points of each cell begin in `#order`; one more at the end. */
  #starts;
  #order;

  /** @param {Float32Array} points x and y of each in turn, in pixels @param {number} width @param {number} height */
  constructor(points, width, height) {
    this.#points = points;
    this.#columns = Math.max(1, Math.ceil(width / CELL));
    this.#rows = Math.max(1, Math.ceil(height / CELL));
    const count = points.length / 2;
    const cells = Uint32Array.from({ length: count }, (_, i) => this.#cell(points[2 * i], points[2 * i + 1]));
    this.#starts = new Uint32Array(this.#columns * this.#rows + 1);
    for (const cell of cells) this.#starts[cell + 1] += 1;
    for (let cell = 1; cell < this.#starts.length; cell++) this.#starts[cell] += this.#starts[cell - 1];
    const next = this.#starts.slice();
    this.#order = new Uint32Array(count);
    cells.forEach((cell, i) => { this.#order[next[cell]++] = i; });
  }

  /**
   * The points within a distance, the nearest first. @param {number} x @param {number} y @param {number} distance pixels
   * @param {(point: number) => boolean} accepts
   */
  within(x, y, distance, accepts) {
    /** @type {{point: number, away: number}[]} */
    const found = [];
    const [left, right] = [this.#column(x - distance), this.#column(x + distance)];
    for (let row = this.#row(y - distance); row <= this.#row(y + distance); row++) {
      const [from, to] = [row * this.#columns + left, row * this.#columns + right];
      for (let n = this.#starts[from]; n < this.#starts[to + 1]; n++) {
        const point = this.#order[n];
        const away = Math.hypot(this.#points[2 * point] - x, this.#points[2 * point + 1] - y);
        if (away <= distance && accepts(point)) found.push({ point, away });
      }
    }
    return found.sort((a, b) => a.away - b.away || a.point - b.point).map(({ point }) => point);
  }

  /** @param {number} x @param {number} y */
  #cell(x, y) {
    return this.#row(y) * this.#columns + this.#column(x);
  }

  /** @param {number} x */
  #column(x) {
    return Math.min(this.#columns - 1, Math.max(0, Math.floor(x / CELL)));
  }

  /** @param {number} y */
  #row(y) {
    return Math.min(this.#rows - 1, Math.max(0, Math.floor(y / CELL)));
  }
}
