/** Why parts of the view show nothing: each sentence is said once, by the first part that it is about; others are brief. Pure. */

export const NOTHING = "Nothing to show here.";

export class Problems {
  #parts;
  /** @type {Map<string, string>} sentences by name of the part */
  #sentences = new Map();

  /** @param {Record<string, {explain: (sentence: string) => void}>} parts by name, in the order of reading */
  constructor(parts) {
    this.#parts = parts;
  }

  /** From now on all is well. */
  clear() {
    this.#sentences.clear();
  }

  /** @param {string} part its name; other names are nobody's problem @param {string} sentence */
  add(part, sentence) {
    this.#sentences.set(part, sentence);
    this.#tell();
  }

  /** @param {string} sentence */
  addToAll(sentence) {
    for (const part of Object.keys(this.#parts)) this.#sentences.set(part, sentence);
    this.#tell();
  }

  #tell() {
    const said = new Set();
    for (const [name, part] of Object.entries(this.#parts)) {
      const sentence = this.#sentences.get(name);
      if (sentence !== undefined) part.explain(sentence && said.has(sentence) ? NOTHING : sentence);
      said.add(sentence);
    }
  }
}
