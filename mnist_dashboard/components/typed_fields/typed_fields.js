/** Tells Python which fields of a form hold text that was typed and not saved, so that it fills only the others. It draws nothing. */

/**
 * @import { Host } from "../lib/types"
 * @typedef {{texts: Record<string, string>}} TypedFieldsData texts that Python has given the fields, by widget key
 */

class TypedFields {
  #data;
  #host;
  #sent = "";

  /** @param {TypedFieldsData} data @param {Host} host */
  constructor(data, host) {
    this.#data = data;
    this.#host = host;
    document.addEventListener("input", this.#compare);
  }

  /** @param {TypedFieldsData} data @param {Host} host */
  update(data, host) {
    this.#data = data;
    this.#host = host;
    requestAnimationFrame(this.#compare); // Streamlit has filled the fields by then
  }

  destroy() {
    document.removeEventListener("input", this.#compare);
  }

  #compare = () => {
    const fields = Object.keys(this.#data.texts).map((key) => ({ key, field: fieldOf(key) }));
    if (fields.some(({ field }) => !field)) return; // the form is not there yet, or no longer
    const typed = fields.filter(({ key, field }) => field?.value !== this.#data.texts[key].replaceAll("\r\n", "\n"));
    const keys = typed.map(({ key }) => key);
    if (keys.join() === this.#sent) return;
    this.#sent = keys.join();
    this.#host.setStateValue("typed", keys);
  };
}

/** @param {string} key of a widget @returns {HTMLInputElement|HTMLTextAreaElement|null} */
const fieldOf = (key) => document.querySelector(`.st-key-${key} :is(input, textarea)`);

/** @param {HTMLElement} _root @param {TypedFieldsData} data @param {Host} host */
export const mount = (_root, data, host) => new TypedFields(data, host);
