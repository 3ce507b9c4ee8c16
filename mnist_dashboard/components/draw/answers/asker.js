/** Asks a question again whenever its subject has changed: one question at a time, never a queue. Pure. */

export class Asker {
  #ask;
  #intervalMs;
  #hasChanged = false;
  #isAsking = false;
  #askedAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #isClosed = false;

  /**
   * @param {() => Promise<number>} ask puts the question; returns milliseconds after which to put it again although nothing has
   *   changed, or 0. It must not throw.
   * @param {number} intervalMs least time between the starts of two questions
   */
  constructor(ask, intervalMs) {
    this.#ask = ask;
    this.#intervalMs = intervalMs;
  }

  /** Ask as soon as the last question is answered, and not before `delayMs`. */
  changed(delayMs = 0) {
    this.#hasChanged = true;
    this.#plan(delayMs);
  }

  /** The subject is gone: a question that has not been put is dropped. */
  drop() {
    this.#hasChanged = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  close() {
    this.#isClosed = true;
    this.drop();
  }

  /** @param {number} delayMs */
  #plan(delayMs) {
    if (!this.#hasChanged || this.#isAsking || this.#isClosed) return;
    clearTimeout(this.#timer);
    const wait = Math.max(delayMs, this.#askedAt + this.#intervalMs - Date.now(), 0);
    this.#timer = setTimeout(() => this.#start(), wait);
  }

  async #start() {
    this.#timer = undefined;
    this.#hasChanged = false;
    this.#isAsking = true;
    this.#askedAt = Date.now();
    const retryMs = await this.#ask();
    this.#isAsking = false;
    if (this.#hasChanged) this.#plan(0);
    else if (retryMs) this.changed(retryMs);
  }
}
