/** The image under the pointer: picture, "9 → 4" and its number. Pictures of its neighbours come with it, in one request. */
import { drawDigit } from "../../lib/evaluations/digit_images.js";
import { arrow } from "../../lib/evaluations/texts.js";
import { make, setText } from "../../lib/dom.js";
import { nameImage } from "../model/words.js";

/**
 * @import { DigitImages } from "../../lib/evaluations/digit_images.js"
 * @import { Split } from "../../lib/types"
 * @typedef {{split: Split, image: number, label: number, predicted: number}} Tipped
 */

const [WIDTH, HEIGHT, AWAY] = [176, 58, 12]; // pixels

export class MapTip {
  #pictures;
  #image = -1;
  #canvas = make("canvas", "mt-digit", { "aria-hidden": "true" });
  #answer = make("div", "mt-map-tip-answer");
  #name = make("div", "mt-map-tip-name");
  element = make("div", "mt-map-tip", { "aria-hidden": "true" }, this.#canvas, make("div", "", {}, this.#answer, this.#name));

  /** @param {DigitImages} pictures */
  constructor(pictures) {
    this.#pictures = pictures;
    this.element.hidden = true;
  }

  hide() {
    this.#image = -1;
    this.element.hidden = true;
  }

  /**
   * @param {Tipped} tipped @param {number[]} neighbours images whose pictures may be wanted next
   * @param {{x: number, y: number, width: number, height: number}} place of the point, and the size of the map
   */
  async show({ split, image, label, predicted }, neighbours, { x, y, width, height }) {
    const left = x + AWAY + WIDTH > width ? Math.max(0, x - AWAY - WIDTH) : x + AWAY;
    const top = Math.min(Math.max(0, y - HEIGHT / 2), height - HEIGHT);
    this.element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
    this.element.hidden = false;
    if (image === this.#image) return;
    this.#image = image;
    setText(this.#answer, label === predicted ? `${label}, read right` : arrow(label, predicted));
    setText(this.#name, nameImage(split, image));
    drawDigit(this.#canvas, null);
    const [picture] = await this.#pictures.load(split, [image, ...neighbours]).catch(() => [null]);
    if (this.#image === image) drawDigit(this.#canvas, picture);
  }
}
