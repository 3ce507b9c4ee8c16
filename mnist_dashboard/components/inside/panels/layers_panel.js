/** What each layer makes of the chosen image: maps of convolutions, cells of fully connected layers, and dead units in words. */
import { make, setAttribute, setText } from "../../lib/dom.js";
import { describeDead, describeLayer } from "../model/words.js";
import { unpack } from "../model/tiles.js";
import { Answer } from "./answer.js";
import { drawTiles } from "./tile_canvas.js";

/**
 * @import { Split } from "../../lib/types"
 * @import { LastDrawing } from "../../draw/last_drawing.js"
 * @import { Packed } from "../model/tiles.js"
 * @import { Chosen } from "./answer.js"
 * @typedef {Packed & {units: number}} Layer
 * @typedef {{step: number, layers: Layer[]}} Activations
 */

const LOOKING = "The network looks at it …";
const MAP_COLUMNS = 10;
const MAP_GAP = 2; // pixels
const CELL_COLUMNS = [50, 25, 10]; // a wide layer in small cells
const CELL_ROWS_FROM = 4;
const CELL_HEIGHT = 7.6; // pixels
const CLASSES = 10;

export class LayersPanel {
  /** @type {Activations|null} */
  #activations = null;
  #answer;
  #image = make("input", "mt-choice mt-image-number", { type: "number", min: "0", step: "1" });
  #imageLabel = make("label", "mt-panel-count mt-image-label");
  #own = make("button", "mt-pill", { type: "button", hidden: "", "aria-pressed": "false" }, "Your digit");
  #layers = make("div", "mt-layers", { role: "group", "aria-label": "Layers", tabindex: "0" });
  #caption = make("p", "mt-panel-caption", {}, "Where each pattern was found in it; blank means nowhere.");
  #note = make("p", "mt-panel-note");
  #deadNote = make("p", "mt-layers-dead");
  /** @type {{units: Record<string, number>, split: Split}} */
  #dead = { units: {}, split: "test" };
  element = make("section", "mt-layers-panel", { "aria-label": "What each layer makes of the image" });

  /**
   * @param {(image: number) => void} onImage @param {() => void} onOwn called to switch to the reader's own digit, and back
   * @param {() => void} onMistakes
   */
  constructor(onImage, onOwn, onMistakes) {
    this.#own.addEventListener("click", onOwn);
    this.#answer = new Answer(onMistakes);
    this.#imageLabel.append(make("span", "mt-image-word", {}, "Image "), this.#image);
    const choice = make("div", "mt-image-choice", {}, this.#own, this.#imageLabel);
    this.element.append(
      make("div", "mt-panel-head", {}, make("h2", "mt-panel-title", {}, "What each layer makes of it"), choice),
      this.#answer.element, this.#caption, this.#note, this.#layers, this.#deadNote);
    this.explain("");
    this.#image.addEventListener("change", () => {
      if (this.#image.validity.valid && this.#image.value) onImage(this.#image.valueAsNumber);
    });
  }

  /** @param {Chosen|null} chosen @param {number} images in the split */
  offerImage(chosen, images) {
    this.#imageLabel.hidden = !chosen;
    this.#answer.offer(chosen);
    if (!chosen) return;
    this.#image.max = String(Math.max(0, images - 1));
    if (document.activeElement !== this.#image || this.#image.validity.valid) this.#image.value = String(chosen.image);
  }

  /**
   * Offer the digit that the reader drew. @param {boolean} isThere @param {LastDrawing|null} shown the digit, if it is shown
   * instead of an image
   */
  offerDrawing(isThere, shown) {
    this.#own.hidden = !isThere;
    setAttribute(this.#own, "aria-pressed", String(shown !== null));
    this.element.toggleAttribute("data-drawn", isThere);
    if (!shown) return;
    this.#answer.offerDrawing(null, shown.label);
    this.#answer.drawPicture(shown.levels);
  }

  /** @param {number[]} probabilities of each digit @param {number|null} label of the drawing */
  offerReading(probabilities, label) {
    this.#answer.offerDrawing(probabilities, label);
  }

  /** @param {Uint8ClampedArray|null} picture */
  drawPicture(picture) {
    this.#answer.drawPicture(picture);
  }

  /** @param {Activations} activations */
  offer(activations) {
    this.#activations = { ...activations, layers: withoutAnswer(activations.layers) };
    setText(this.#note, this.#activations.layers.length ? "" : "This network has a single layer: its answer.");
    this.redraw();
  }

  /** Without a count, nothing is said. @param {Record<string, number>} dead units by layer @param {Split} split */
  offerDead(dead, split) {
    this.#dead = { units: dead, split };
    this.redraw();
  }

  /** Why there are no layers. @param {string} problem empty while they are looked at */
  explain(problem) {
    this.#activations = null;
    setText(this.#note, problem || LOOKING);
    this.redraw();
  }

  redraw() {
    this.#answer.redraw();
    this.#note.hidden = !this.#note.textContent;
    const layers = this.#activations?.layers ?? [];
    setText(this.#deadNote, layers.length ? describeDead(this.#dead.units, layers, this.#dead.split) : "");
    this.#layers.hidden = this.#caption.hidden = !layers.length;
    const width = this.#layers.clientWidth;
    if (!width) return;
    while (this.#layers.children.length > layers.length) this.#layers.lastChild?.remove();
    layers.forEach((layer, n) => drawLayer(this.#part(n), layer, width));
  }

  /** @param {number} n */
  #part(n) {
    const found = this.#layers.children[n];
    if (found) return found;
    const head = make("div", "mt-layer-head", {}, make("h3", "mt-layer-name"), make("span", "mt-panel-count"));
    return this.#layers.appendChild(make("div", "mt-layer", {}, head, make("canvas", "mt-tiles", { role: "img" })));
  }
}

/** The last layer is the answer, which has its bars. @param {Layer[]} layers */
function withoutAnswer(layers) {
  const last = layers.at(-1);
  return last && last.shape.length === 1 && last.units === CLASSES ? layers.slice(0, -1) : layers;
}

/** @param {Element} part @param {Layer} layer @param {number} width */
function drawLayer(part, layer, width) {
  const [head, canvas] = part.children;
  setText(head.children[0], layer.name);
  setText(head.children[1], describeLayer(layer));
  setAttribute(canvas, "aria-label", `${layer.name}: ${describeLayer(layer)}`);
  if (!(canvas instanceof HTMLCanvasElement)) return;
  const tiles = unpack(layer);
  if (layer.shape.length > 1) {
    const size = (width - MAP_GAP * (MAP_COLUMNS - 1)) / MAP_COLUMNS;
    drawTiles(canvas, tiles, { columns: MAP_COLUMNS, width: size, height: size, gap: MAP_GAP, together: false });
    return;
  }
  const columns = CELL_COLUMNS.find((most) => tiles.count / most >= CELL_ROWS_FROM) ?? CELL_COLUMNS[2];
  drawTiles(canvas, tiles, { columns, width: width / columns, height: CELL_HEIGHT, gap: 0, together: true });
}
