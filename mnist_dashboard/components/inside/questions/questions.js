/**
 * Questions to the network of a run, one at a time about a single image and one about all of them: two processes answer these, each one
 * question after the other, and a viewer may only have two waiting. Answers are kept. Pure.
 */

/**
 * @typedef {object} Question
 * @property {string} path
 * @property {Record<string, string|number>} query
 * @property {Promise<Blob>} [body]
 * @property {string} key equal for the same answer
 * @property {boolean} isBatch whether it is about all images
 * @property {(answer: any) => boolean} [isDone] missing if the first answer is the last; else it is asked again until it is
 * @property {(answer: any) => void} [onAnswer] missing for a question that is asked ahead
 * @property {(error: unknown) => void} [onError]
 * @typedef {(path: string, query: Record<string, string|number>, body?: Promise<Blob>) => Promise<any>} Ask
 */

const MAX_KEPT = 100; // answers, of at most 150 kB each
const MAX_RETRIES = 3;
const RETRY_MS = 2000; // what the server says in `Retry-After`
const PAUSE_MS = 200; // before a question is asked again that is not done; others are answered meanwhile
const BUSY = 503;

export class Questions {
  #ask;
  #retryMs;
  #pauseMs;
  /** @type {Map<string, any>} by key, the one used last at the end */
  #kept = new Map();
  /** @type {Question[]} without an answer yet */
  #wanted = [];
  /** @type {Set<boolean>} which of the two processes, by `isBatch`, have a question */
  #asking = new Set();
  #isClosed = false;

  /** @param {Ask} ask @param {number} [retryMs] @param {number} [pauseMs] */
  constructor(ask, retryMs = RETRY_MS, pauseMs = PAUSE_MS) {
    this.#ask = ask;
    this.#retryMs = retryMs;
    this.#pauseMs = pauseMs;
  }

  close() {
    this.#isClosed = true;
    this.#wanted = [];
  }

  /** Ask these, in this order, and none of those that still wait. @param {Question[]} questions */
  want(questions) {
    this.#wanted = questions.filter((question) => !this.#kept.has(question.key));
    for (const question of questions) {
      const answer = this.#kept.get(question.key);
      if (answer === undefined) continue;
      this.#keep(question.key, answer);
      question.onAnswer?.(answer);
    }
    this.#askNext(false);
    this.#askNext(true);
  }

  /** @param {boolean} isBatch */
  async #askNext(isBatch) {
    const question = this.#wanted.find((wanted) => wanted.isBatch === isBatch);
    if (!question || this.#asking.has(isBatch) || this.#isClosed) return;
    this.#asking.add(isBatch);
    try {
      const answer = await this.#askPatiently(question);
      if (question.isDone?.(answer) ?? true) {
        this.#keep(question.key, answer);
        this.#take(question.key, (wanted) => wanted.onAnswer?.(answer));
      } else {
        this.#wanted.forEach((wanted) => { if (wanted.key === question.key) wanted.onAnswer?.(answer); });
        await new Promise((resolve) => { setTimeout(resolve, this.#pauseMs); });
      }
    } catch (error) {
      this.#take(question.key, (wanted) => wanted.onError?.(error));
    }
    this.#asking.delete(isBatch);
    this.#askNext(isBatch);
  }

  /** While the server is busy, ask again a few times. @param {Question} question */
  async #askPatiently({ path, query, body, key }) {
    for (let retries = 0; ; retries++) {
      try {
        return await this.#ask(path, query, body);
      } catch (error) {
        const isBusy = error instanceof Error && "status" in error && error.status === BUSY;
        const isWanted = this.#wanted.some((question) => question.key === key);
        if (!isBusy || !isWanted || retries === MAX_RETRIES) throw error;
      }
      await new Promise((resolve) => { setTimeout(resolve, this.#retryMs); });
    }
  }

  /**
   * Mark a question as answered, and call `settle` if the view still wants the answer.
   * @param {string} key @param {(wanted: Question) => void} settle
   */
  #take(key, settle) {
    if (this.#isClosed) return;
    const settled = this.#wanted.filter((question) => question.key === key);
    this.#wanted = this.#wanted.filter((question) => question.key !== key);
    settled.forEach(settle);
  }

  /** @param {string} key @param {any} answer */
  #keep(key, answer) {
    this.#kept.delete(key);
    this.#kept.set(key, answer);
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value ?? "");
  }
}
