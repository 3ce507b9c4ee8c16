/**
 * Draws thousands of points at once: each a copy of a dot that was drawn before, in the colour of its digit. Rings round single points
 * are on a canvas of their own, so that the points stay while the pointer moves.
 */
import { palette } from "../../lib/theme.js";

/**
 * @typedef {object} Drawn
 * @property {Float32Array} points x and y of each in turn, in pixels
 * @property {Uint8Array} labels
 * @property {Uint8Array} predicted
 * @property {Set<number>} hidden digits
 */

const [DOT, WRONG_DOT, RING, STAMP] = [1.9, 2.4, 3.5, 12]; // pixels: radii, and the side of a stamp
const [CHOSEN, HOVERED] = [8, 6]; // radii of the rings round single points
const RIGHT_OPACITY = 0.55;
const FULL = 2 * Math.PI;

/**
 * A dot, with a ring round it if `ring` is a colour.
 * @param {string} color @param {number} radius @param {string} ring @param {number} ratio
 */
function drawStamp(color, radius, ring, ratio) {
  const stamp = new OffscreenCanvas(Math.ceil(STAMP * ratio), Math.ceil(STAMP * ratio));
  const context = stamp.getContext("2d");
  if (!context) return stamp;
  context.scale(ratio, ratio);
  context.fillStyle = color;
  context.globalAlpha = ring ? 1 : RIGHT_OPACITY;
  context.beginPath();
  context.arc(STAMP / 2, STAMP / 2, radius, 0, FULL);
  context.fill();
  if (!ring) return stamp;
  context.strokeStyle = ring;
  context.lineWidth = 1;
  context.beginPath();
  context.arc(STAMP / 2, STAMP / 2, RING, 0, FULL);
  context.stroke();
  return stamp;
}

export class MapCanvas {
  #points = document.createElement("canvas");
  #rings = document.createElement("canvas");
  elements = [this.#points, this.#rings];
  /** @type {OffscreenCanvas[]} by digit; those of images that are read right, then of the others */
  #stamps = [];
  #ratio = 1;
  #width = 0;
  #height = 0;

  /** @param {number} width in pixels of the page @param {number} height */
  resize(width, height) {
    this.#ratio = devicePixelRatio || 1;
    this.#width = width;
    this.#height = height;
    for (const canvas of this.elements) {
      canvas.width = Math.round(width * this.#ratio);
      canvas.height = Math.round(height * this.#ratio);
    }
  }

  /** @param {string[]} colors by digit */
  setColors(colors) {
    const { text } = palette(this.#points);
    this.#stamps = [
      ...colors.map((color) => drawStamp(color, DOT, "", this.#ratio)),
      ...colors.map((color) => drawStamp(color, WRONG_DOT, text, this.#ratio)),
    ];
  }

  clear() {
    for (const canvas of this.elements) this.#start(canvas);
  }

  /** An empty drawing in pixels of the page. @param {HTMLCanvasElement} canvas */
  #start(canvas) {
    const context = canvas.getContext("2d");
    context?.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    context?.clearRect(0, 0, this.#width, this.#height);
    return context;
  }

  /** @param {Drawn} drawn */
  draw({ points, labels, predicted, hidden }) {
    const context = this.#start(this.#points);
    if (!context || !this.#stamps.length) return;
    for (const isWrong of [false, true]) { // those that are read wrong lie on top
      for (let i = 0; i < labels.length; i++) {
        const label = labels[i];
        if ((predicted[i] !== label) !== isWrong || hidden.has(label)) continue;
        this.#stamp(context, points, i, isWrong ? 10 + label : label);
      }
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {Float32Array} points @param {number} i @param {number} kind of the stamps */
  #stamp(context, points, i, kind) {
    const stamp = this.#stamps[kind];
    if (stamp) context.drawImage(stamp, points[2 * i] - STAMP / 2, points[2 * i + 1] - STAMP / 2, STAMP, STAMP);
  }

  /**
   * Put rings round two of the points, each -1 for none. @param {Drawn} drawn @param {number} chosen an image, which shows even if
   * its digit is switched off @param {number} hovered the one below the pointer
   */
  mark({ points, labels, predicted, hidden }, chosen, hovered) {
    const context = this.#start(this.#rings);
    if (!context) return;
    const { text, background } = palette(this.#rings);
    for (const [image, radius] of [[chosen, CHOSEN], [hovered, HOVERED]]) {
      if (image < 0 || image >= labels.length) continue;
      const label = labels[image];
      if (hidden.has(label)) this.#stamp(context, points, image, predicted[image] === label ? label : 10 + label);
      for (const [color, width] of /** @type {[string, number][]} */ ([[background, 5], [text, 2.2]])) {
        context.strokeStyle = color;
        context.lineWidth = width;
        context.beginPath();
        context.arc(points[2 * image], points[2 * image + 1], radius, 0, FULL);
        context.stroke();
      }
    }
  }
}
