/** Copies the owner link without showing it: a page that is projected on a wall must not give it away. */
import { make } from "../lib/dom.js";

const TOLD_MS = 2000;

/**
 * @typedef {object} OwnerLinkData
 * @property {string} link
 * @property {boolean} follow whether this browser's own key is old now, so that it needs the link itself
 */

class OwnerLink {
  #data;
  #button;

  constructor(root, data) {
    this.#button = root.appendChild(make("button", "mt-copy", { type: "button" }, "Copy owner link"));
    this.#button.addEventListener("click", () => this.#copy());
    this.update(data);
  }

  /** @param {OwnerLinkData} data */
  update(data) {
    this.#data = data;
    if (data.follow) location.assign(data.link);
  }

  destroy() {
    this.#button.remove();
  }

  async #copy() {
    const copied = await copy(this.#data.link, this.#button);
    this.#button.textContent = copied ? "Copied" : "This browser did not allow it";
    setTimeout(() => { this.#button.textContent = "Copy owner link"; }, TOLD_MS);
  }
}

/** Over plain http, from another machine, browsers have no clipboard object: there a selected text is copied. */
async function copy(text, beside) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(() => true, () => false);
  }
  const field = make("textarea", "", { readonly: "", style: "position: fixed; opacity: 0" });
  field.value = text;
  beside.after(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}

export const mount = (root, data) => new OwnerLink(root, data);
