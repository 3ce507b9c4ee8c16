/** The pad: what mouse, finger or pen draws on it, or a photo in its place. */
import { make, setText } from "../../lib/dom.js";
import { palette } from "../../lib/theme.js";
import { Strokes } from "./strokes.js";

/**
 * @typedef {object} Photo a picture in place of a drawing
 * @property {Blob} file
 * @property {boolean} isPrepared whether it is a kept drawing, as the networks see it
 * @property {boolean} inverted
 * @property {ImageBitmap|null} bitmap null until, or unless, it can be shown
 */

const PEN_WIDTH = 22; // pixels: two of the 20 that a digit over the whole guide is scaled to
const PRIMARY = 0; // the button of a mouse; fingers and pens have no other
const LABEL = "Drawing area. Draw a digit with mouse, pen or finger; Ctrl+Z takes back a stroke. Without a pointer, upload a photo.";

/** What is on the pad: it stays while the reader looks at another view or another run. */
const content = { strokes: new Strokes(), photo: /** @type {Photo|null} */ (null) };

export class Pad {
  #onChange;
  #canvas = make("canvas", "mt-pad-canvas", { tabindex: "0", role: "img", "aria-label": LABEL });
  #note = make("span", "mt-pad-note", { "aria-hidden": "true" });
  element = make("div", "mt-pad", {}, make("span", "mt-pad-guide"), this.#note, this.#canvas);
  isDrawing = false;
  #resizing = new ResizeObserver(() => this.draw());

  /** @param {(hasStrokeEnded: boolean) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(type, () => this.#end());
    canvas.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
      event.preventDefault();
      this.undo();
    });
    this.#resizing.observe(canvas);
  }

  destroy() {
    this.#resizing.disconnect();
  }

  get photo() {
    return content.photo;
  }

  get isEmpty() {
    return content.strokes.isEmpty && !content.photo;
  }

  get canUndo() {
    return content.strokes.canUndo || content.photo !== null;
  }

  /**
   * Show a photo, or a kept drawing, in place of what was drawn, which Undo brings back.
   * @param {Blob} file @param {boolean} [isPrepared]
   */
  async showPhoto(file, isPrepared = false) {
    /** @type {Photo} */
    const photo = { file, isPrepared, inverted: false, bitmap: null };
    content.photo = photo;
    this.#changed();
    try {
      photo.bitmap = await createImageBitmap(file);
    } catch {
      return; // the server says what is wrong with it
    }
    this.draw();
  }

  turnRound() {
    if (!content.photo) return;
    content.photo.inverted = !content.photo.inverted;
    this.#changed();
  }

  undo() {
    if (content.photo) content.photo = null;
    else if (!content.strokes.undo()) return;
    this.#changed();
  }

  clear() {
    content.photo = null;
    content.strokes.clear();
    this.#changed();
  }

  /** The picture to judge: the photo as it came, or the strokes alone. @returns {Promise<Blob|null>} */
  async picture() {
    if (content.photo) return content.photo.file;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (content.strokes.isEmpty || !width) return null;
    const canvas = make("canvas", "", { width: String(width), height: String(height) });
    const context = canvas.getContext("2d");
    if (!context) return null;
    drawStrokes(context, width, height, "#000000");
    return new Promise((resolve) => {
      canvas.toBlob(resolve);
    });
  }

  /** Draw all in the colours of the theme. */
  draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const context = this.#canvas.getContext("2d");
    if (!context || !width) return;
    const scale = devicePixelRatio;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    context.scale(scale, scale);
    this.element.toggleAttribute("data-photo", content.photo !== null);
    setText(this.#note, this.isEmpty ? "Draw a digit here." : content.photo && !content.photo.bitmap ? "A photo" : "");
    if (!content.photo) drawStrokes(context, width, height, palette(this.element).text);
    else if (content.photo.bitmap) drawContained(context, width, height, content.photo.bitmap, content.photo.isPrepared);
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    if (event.button !== PRIMARY || !event.isPrimary) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.isDrawing = true;
    if (content.photo) {
      content.photo = null;
      content.strokes.clear();
    }
    content.strokes.begin(this.#point(event));
    this.#changed(false);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.isDrawing || !event.isPrimary) return;
    const all = event.getCoalescedEvents?.() ?? [];
    const changes = (all.length ? all : [event]).map((part) => content.strokes.extend(this.#point(part)));
    if (changes.includes(true)) this.#changed(false);
  }

  #end() {
    if (!this.isDrawing) return;
    this.isDrawing = false;
    this.#onChange(true);
  }

  #changed(hasStrokeEnded = true) {
    this.draw();
    this.#onChange(hasStrokeEnded);
  }

  /** @param {PointerEvent} event @returns {import("./strokes.js").Point} */
  #point({ clientX, clientY }) {
    const box = this.#canvas.getBoundingClientRect();
    return [clientX - box.left - box.width / 2, clientY - box.top - box.height / 2];
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height @param {string} color */
function drawStrokes(context, width, height, color) {
  context.translate(width / 2, height / 2);
  context.lineWidth = PEN_WIDTH;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = color;
  for (const stroke of content.strokes.all) {
    const [first, ...rest] = stroke;
    context.beginPath();
    context.moveTo(...first);
    // Curves through the middles of the segments: a fast hand leaves few points, and no corners.
    let last = first;
    for (const point of rest) {
      context.quadraticCurveTo(...last, (last[0] + point[0]) / 2, (last[1] + point[1]) / 2);
      last = point;
    }
    context.lineTo(...last); // a stroke of one point is a dot
    context.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} context @param {number} width @param {number} height @param {ImageBitmap} bitmap
 * @param {boolean} isPrepared black ink on a transparent ground, of few pixels
 */
function drawContained(context, width, height, bitmap, isPrepared) {
  const scale = Math.min(width / bitmap.width, height / bitmap.height);
  const [w, h] = [bitmap.width * scale, bitmap.height * scale];
  context.imageSmoothingEnabled = !isPrepared;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (width - w) / 2, (height - h) / 2, w, h);
  if (!isPrepared) return;
  context.globalCompositeOperation = "source-in";
  context.fillStyle = palette(context.canvas).text;
  context.fillRect(0, 0, width, height);
}
