/** Copies the owner link without showing it: a page that is projected on a wall must not give it away. */
import { make } from "../lib/dom.js";

const LABEL = "Copy owner link";
const CONFIRMATION_MS = 2000;

/**
 * @typedef {object} OwnerLinkData
 * @property {string} link
 * @property {boolean} follow whether this browser must open the link itself, because its own key has been replaced
 */

class OwnerLink {
  #data;
  #button = make("button", "mt-copy", { type: "button" }, LABEL);

  /** @param {HTMLElement} root @param {OwnerLinkData} data */
  constructor(root, data) {
    this.#data = data;
    root.append(this.#button);
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
    const copied = await copyText(this.#data.link, this.#button);
    this.#button.textContent = copied ? "Copied" : "This browser did not allow it";
    setTimeout(() => (this.#button.textContent = LABEL), CONFIRMATION_MS);
  }
}

/**
 * Over plain http, from another machine, browsers have no clipboard object: there a selected text is copied.
 * @param {string} text @param {HTMLElement} sibling @returns {Promise<boolean>} whether the browser allowed it
 */
async function copyText(text, sibling) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(() => true, () => false);
  }
  const field = make("textarea", "", { readonly: "", style: "position: fixed; opacity: 0" });
  field.value = text;
  sibling.after(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}

/** @param {HTMLElement} root @param {OwnerLinkData} data */
export const mount = (root, data) => new OwnerLink(root, data);
