/** Copies a sign-in link without showing it: a page that is projected on a wall must not give it away. */
import { make } from "../lib/dom.js";

const LABEL = "Copy link";
const CONFIRMATION_MS = 2000;

/** @typedef {{link: string}} LinkData */

class SignInLink {
  #data;
  #button = make("button", "mt-copy", { type: "button" }, LABEL);

  /** @param {HTMLElement} root @param {LinkData} data */
  constructor(root, data) {
    this.#data = data;
    root.append(this.#button);
    this.#button.addEventListener("click", () => this.#copy());
  }

  /** @param {LinkData} data */
  update(data) {
    this.#data = data;
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

/** @param {HTMLElement} root @param {LinkData} data */
export const mount = (root, data) => new SignInLink(root, data);
