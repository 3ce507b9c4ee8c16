/** The filters of the first layer; of a network without convolutions, the weights of its first layer. */
import { make, setAttribute, setText } from "../../lib/dom.js";
import { columnsFor, unpack } from "../model/tiles.js";
import { formatCount } from "../../lib/format.js";
import { drawTiles } from "./tile_canvas.js";

/** @import { Packed, Tiles } from "../model/tiles.js" */

const GAP = 3; // pixels
const SMALLEST = 28; // pixels: smaller pictures of the whole image would lose weights
const CAPTION = "Small patterns that the first layer looks for";
const ALL_CAPTION = "The pattern that each unit looks for";
const IMAGE_SIDE = 28; // pixels: a layer whose weights are as large looks at the whole image

export class FiltersPanel {
  /** @type {Tiles|null} */
  #tiles = null;
  #title = make("h2", "mt-panel-title", {}, "First-layer filters");
  #canvas = make("canvas", "mt-tiles", { role: "img" });
  #caption = make("p", "mt-panel-caption");
  #note = make("p", "mt-panel-note");
  #box = make("div", "mt-filters-box", { role: "group", "aria-label": "First layer", tabindex: "0" }, this.#note, this.#canvas);
  element = make("section", "mt-filters", { "aria-label": "First layer" },
    make("div", "mt-panel-head", {}, this.#title), this.#caption, this.#box);

  /** @param {Packed} filters */
  offer(filters) {
    const tiles = unpack(filters);
    this.#tiles = tiles;
    const seesAll = tiles.height === IMAGE_SIDE && tiles.width === IMAGE_SIDE;
    this.#showNote(seesAll ? "This network has no filters; its first layer’s weights as images:" : "");
    setText(this.#caption, `${seesAll ? ALL_CAPTION : CAPTION}: ink where orange, none where blue.`);
    setText(this.#title, seesAll ? "First-layer weights" : "First-layer filters");
    const noun = seesAll ? "weights as images" : "filters";
    setAttribute(this.#canvas, "aria-label", `${formatCount(tiles.count)} ${noun} of ${tiles.height} × ${tiles.width}`);
    this.redraw();
  }

  /** Why there are no filters. @param {string} problem */
  explain(problem) {
    this.#tiles = null;
    this.#showNote(problem);
    this.redraw();
  }

  redraw() {
    this.#canvas.hidden = this.#caption.hidden = !this.#tiles;
    if (!this.#tiles) return;
    const { clientWidth, clientHeight } = this.#box;
    if (!clientWidth) return;
    const free = clientHeight - this.#note.offsetHeight;
    const most = Math.floor((clientWidth + GAP) / (SMALLEST + GAP));
    const columns = Math.min(columnsFor(this.#tiles.count, clientWidth, free, GAP), most);
    const size = Math.min(free, (clientWidth - GAP * (columns - 1)) / columns);
    drawTiles(this.#canvas, this.#tiles, { columns, width: size, height: size, gap: GAP, together: true });
  }

  /** @param {string} text */
  #showNote(text) {
    setText(this.#note, text);
    this.#note.hidden = !text;
  }
}
