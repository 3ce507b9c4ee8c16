/** What the networks see of the picture on the pad and, if the reader likes, a heat map of what speaks for the first run's answer. */
import { drawDigit } from "../lib/evaluations/digit_images.js";
import { make, setText } from "../lib/dom.js";
import { describeStroke, drawHeat } from "../mistakes/panels/heat_map.js";
import { makeButton } from "./buttons.js";
import { makePanel } from "./panel.js";

/** @import { Occlusion } from "../mistakes/panels/heat_map.js" */

const DRAWING = "28 × 28 pixels. Cropped, scaled to 20 pixels, and centred by its weight of ink (the cross), as all of MNIST was.";
const PHOTO = "Dark ink on light paper, or the reverse: found by itself.";

/** It stays while the reader looks at another view or another run. */
const choice = { isHeatOn: false };

export class SeenPanel {
  #image = make("canvas", "mt-seen-image", { role: "img", "aria-label": "What the network sees: 28 by 28 pixels" });
  #heatImage = make("canvas", "mt-seen-heat mt-heat", { "aria-hidden": "true" });
  #switch = make("input", "", { type: "checkbox", role: "switch" });
  #note = make("p", "mt-draw-note");
  #turn;
  element;
  #isPhoto = false;
  /** @type {Occlusion|null} */
  #occlusion = null;
  #legend = "";

  /** @param {() => void} onTurn turns a photo round @param {() => void} onHeat called when the heat map is switched on */
  constructor(onTurn, onHeat) {
    this.#turn = makeButton("Turn it round", onTurn);
    this.#switch.checked = choice.isHeatOn;
    this.#switch.addEventListener("change", () => {
      choice.isHeatOn = this.#switch.checked;
      this.draw();
      if (choice.isHeatOn) onHeat();
    });
    const image = make("div", "mt-seen", {}, this.#image, this.#heatImage, make("span", "mt-seen-box"), make("span", "mt-seen-cross"));
    const heat = make("label", "mt-switch", {}, this.#switch, make("span", "", {}, "Heat map"));
    const words = make("div", "mt-seen-words", {}, heat, this.#note, this.#turn);
    this.element = makePanel("What the network sees", "", make("div", "mt-seen-row", {}, image, words));
    this.element.classList.add("mt-draw-seen");
  }

  get wantsHeat() {
    return this.#switch.checked;
  }

  /** @param {boolean} isPhoto whether a photo is on the pad */
  setKind(isPhoto) {
    this.#isPhoto = isPhoto;
    this.#turn.hidden = !isPhoto;
    this.draw();
  }

  /** @param {Uint8ClampedArray|null} levels */
  show(levels) {
    drawDigit(this.#image, levels);
  }

  /** Show what the answer rests on. @param {Occlusion} occlusion @param {string} run its name where there are others, else empty */
  showHeat(occlusion, run) {
    this.#occlusion = occlusion;
    this.#legend = `${describeStroke(occlusion)}${run && ` (${run})`}`;
    this.draw();
  }

  /** The heat map is out of date. @param {string} [problem] why there is none */
  clearHeat(problem = "") {
    this.#occlusion = null;
    this.#legend = problem;
    this.draw();
  }

  /** Draw the heat map in the colours of the theme. */
  draw() {
    drawHeat(this.#heatImage, this.wantsHeat ? this.#occlusion : null);
    // The sentence takes the place of the note, so that nothing moves.
    setText(this.#note, (this.wantsHeat && this.#legend) || (this.#isPhoto ? PHOTO : DRAWING));
  }
}
