/** The three ways a photo gets onto the pad: chosen from files, pasted, or dropped. */
import { make } from "../../lib/dom.js";
import { isFillingForm } from "../../lib/page/rerun.js";
import { makeButton } from "../buttons.js";

const TYPES = "image/png,image/jpeg,image/webp";

export class PhotoInput {
  #onPhoto;
  #target;
  #input = make("input", "", { type: "file", accept: TYPES, hidden: "", "aria-label": "Photo of a digit" });
  #button = makeButton("Upload a photo", () => this.#input.click(), "upload");
  element = make("span", "mt-photo-input", {}, this.#button, this.#input);
  #closing = new AbortController();

  /** @param {HTMLElement} target where a photo can be dropped @param {(file: Blob) => void} onPhoto */
  constructor(target, onPhoto) {
    this.#target = target;
    this.#onPhoto = onPhoto;
    this.#input.addEventListener("change", () => {
      this.#take(this.#input.files);
      this.#input.value = ""; // the same file can be chosen again
    });
    const { signal } = this.#closing;
    document.addEventListener("paste", (event) => {
      if (!isFillingForm() && this.#take(event.clipboardData?.files)) event.preventDefault();
    }, { signal });
    target.addEventListener("dragover", (event) => this.#hover(event, true));
    target.addEventListener("dragleave", (event) => this.#hover(event, false));
    target.addEventListener("drop", (event) => {
      this.#hover(event, false);
      this.#take(event.dataTransfer?.files);
    });
  }

  destroy() {
    this.#closing.abort();
  }

  /** @param {DragEvent} event @param {boolean} isOver */
  #hover(event, isOver) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // else the browser would open the file in place of the page
    this.#target.toggleAttribute("data-drop", isOver);
  }

  /** @param {FileList|null|undefined} files @returns {boolean} whether there was a file */
  #take(files) {
    const file = files?.[0];
    if (file) this.#onPhoto(file);
    return Boolean(file);
  }
}
