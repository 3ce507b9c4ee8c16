/**
 * The kept drawings, a small test set of the reader's own: how many of them each run reads right, and for owners a form that keeps
 * the digit on the pad, or changes the chosen one.
 */
import { drawDigit } from "../../lib/evaluations/digit_images.js";
import { requestJson, sentenceOf } from "../../lib/evaluations/requests.js";
import { MAX_NAME_LENGTH } from "../../lib/constants.js";
import { make, setText } from "../../lib/dom.js";
import { makeButton } from "../buttons.js";
import { describeDrawing, describeScores } from "./kept_words.js";

/**
 * @import { Judge } from "../answers/words.js"
 * @import { Drawing, Reading } from "./kept_words.js"
 * @typedef {object} Actions
 * @property {(drawing: Omit<Drawing, "id">) => void} keep
 * @property {(drawing: Drawing) => void} edit
 * @property {(drawing: Drawing) => void} remove
 * @property {(drawing: Drawing) => void} show on the pad
 * @property {() => void} relabel what the digit is meant to be has changed
 */

const LOADING = "Your digits are being read …";
const NONE_YET = "Keep digits that you have drawn: they become a test of your own.";
const NONE_TO_SEE = "The owner has kept no digits yet.";

export class KeptPanel {
  #actions;
  #list = make("div", "mt-kept-list", { role: "group", "aria-label": "Kept digits" });
  #scores = make("p", "mt-draw-note mt-kept-scores", { role: "status" });
  #label = make("select", "mt-kept-field", { "aria-label": "Digit that it is meant to be" },
    make("option", "", { value: "" }, "It is a …"), ...[..."0123456789"].map((digit) => make("option", "", { value: digit }, digit)));
  #name = make("input", "mt-kept-field mt-kept-name", {
    type: "text", maxlength: String(MAX_NAME_LENGTH), placeholder: "Name, if you like", "aria-label": "Name of the drawing",
  });
  #keep = makeButton("Keep", () => this.#submit());
  #delete = makeButton("Delete", () => this.#remove());
  /** Stands beside the answers: it says whether they are right. */
  form = make("div", "mt-kept-form", {}, this.#label, this.#name, this.#keep, this.#delete);
  element = make("div", "mt-kept", {}, this.#scores, this.#list);
  /** @type {Judge[]} */
  #judges = [];
  #mayKeep = false;
  /** @type {Drawing[]} */
  #drawings = [];
  /** @type {Reading[]} */
  #readings = [];
  /** @type {string|null} base64 of what the networks see of the digit on the pad */
  #image = null;
  /** @type {string|null} what has been kept of the digit on the pad */
  #keptImage = null;
  /** @type {Drawing|null} which is on the pad */
  #chosen = null;
  #requests = 0;

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#label.addEventListener("change", () => {
      this.#showForm();
      actions.relabel();
    });
    this.#name.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !this.#keep.disabled) this.#submit();
    });
  }

  destroy() {
    this.#requests++;
  }

  /** The digit that the drawing on the pad is meant to be, if the reader has said so. */
  get meant() {
    return this.#label.value ? Number(this.#label.value) : null;
  }

  /** Clear the label and the name of the digit on the pad. */
  startAnew() {
    this.#keptImage = null;
    this.#unchoose();
    this.#showForm();
    this.#actions.relabel();
  }

  /** Fetch the drawings and what these runs read on them. @param {Judge[]} judges @param {boolean} mayKeep */
  async load(judges, mayKeep) {
    this.#judges = judges;
    this.#mayKeep = mayKeep;
    this.#showForm();
    const request = ++this.#requests;
    if (!judges.length) return;
    if (!this.#drawings.length) setText(this.#scores, LOADING);
    try {
      const answer = await requestJson("drawings.json", { runs: judges.map(({ id }) => id).join() });
      if (request !== this.#requests) return;
      this.#drawings = answer.drawings;
      this.#readings = answer.readings;
      this.#chooseAgain();
      this.draw();
    } catch (error) {
      if (request === this.#requests) setText(this.#scores, sentenceOf(error));
    }
  }

  /** The drawing that has just been kept is the chosen one; a deleted one is not. */
  #chooseAgain() {
    const id = this.#chosen?.id;
    const kept = this.#image === this.#keptImage ? this.#keptImage : null;
    this.#chosen = this.#drawings.findLast((drawing) => (id === undefined ? drawing.image === kept : drawing.id === id)) ?? null;
    if (id !== undefined && !this.#chosen) this.startAnew();
    else this.#showForm();
  }

  /** Another digit is on the pad. @param {string|null} image null until it is known @param {boolean} isKept whether it is the chosen one */
  setImage(image, isKept) {
    this.#image = image;
    if (!isKept && this.#chosen !== null && image !== null && image !== this.#chosen.image) this.#unchoose();
    this.#showForm();
  }

  #unchoose() {
    const wasChosen = this.#chosen !== null;
    this.#chosen = null;
    this.#fill("", "");
    if (wasChosen) this.draw();
  }

  draw() {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.drawing : undefined;
    const reading = this.#readings.find(({ run }) => run === this.#judges[0]?.id);
    this.#list.replaceChildren(...this.#drawings.map((drawing) => this.#thumb(drawing, reading)));
    // Now that they are on the page they have a theme.
    this.#drawings.forEach(({ image }, i) => {
      const canvas = this.#list.children[i].querySelector("canvas");
      if (canvas) drawDigit(canvas, decodeLevels(image));
    });
    if (focused) this.#list.querySelector(`[data-drawing="${focused}"]`)?.dispatchEvent(new Event("refocus"));
    const none = this.#mayKeep ? NONE_YET : NONE_TO_SEE;
    setText(this.#scores, this.#drawings.length ? describeScores(this.#judges, this.#drawings, this.#readings) : none);
  }

  /** @param {Drawing} drawing @param {Reading|undefined} reading of the run of the page */
  #thumb(drawing, reading) {
    const { text, isWrong } = describeDrawing(drawing, reading);
    const thumb = make("button", "mt-kept-thumb", {
      type: "button", title: drawing.name, "aria-pressed": String(drawing.id === this.#chosen?.id), "data-drawing": String(drawing.id),
      "aria-label": `${drawing.name || "Drawing"}: ${text.replace("→", "read as")}`,
    }, make("canvas", "mt-kept-image"), make("span", isWrong ? "mt-kept-wrong" : "", {}, text));
    thumb.addEventListener("click", () => this.#choose(drawing));
    thumb.addEventListener("refocus", () => thumb.focus());
    return thumb;
  }

  /** @param {Drawing} drawing */
  #choose(drawing) {
    this.#chosen = drawing;
    this.#fill(String(drawing.label), drawing.name);
    this.#actions.show(drawing);
    this.draw();
    this.#showForm();
  }

  /** @param {string} label @param {string} name */
  #fill(label, name) {
    this.#label.value = label;
    this.#name.value = name;
  }

  #showForm() {
    this.form.hidden = !this.#mayKeep || !this.#judges.length;
    this.#delete.hidden = this.#chosen === null;
    setText(this.#keep.children[0], this.#chosen === null ? "Keep" : "Save");
    const isNew = this.#image !== null && this.#image !== this.#keptImage;
    this.#keep.disabled = !this.#label.value || (this.#chosen === null && !isNew);
  }

  #submit() {
    const values = { label: Number(this.#label.value), name: this.#name.value };
    if (this.#chosen) this.#actions.edit({ ...this.#chosen, ...values });
    else if (this.#image !== null) {
      this.#actions.keep({ image: this.#image, ...values });
      this.#keptImage = this.#image; // its digit stays, so that the answer still says whether it is right
      this.#showForm();
    }
  }

  #remove() {
    if (this.#chosen) this.#actions.remove(this.#chosen);
  }
}

/** Grey levels of an image in base64. @param {string} image */
export function decodeLevels(image) {
  return Uint8ClampedArray.from(atob(image), (character) => character.charCodeAt(0));
}
