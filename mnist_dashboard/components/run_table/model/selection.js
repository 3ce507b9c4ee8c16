/**
 * The selected runs, in the order in which they were ticked. Python sends back each selection it receives, but late. While a
 * newer one is on its way, an older one is an echo, and the one before the click comes from a rerun that began earlier: both
 * are ignored. Any other selection is Python's own choice.
 */
export class Selection {
  /** @type {number[]} */
  #ids;
  #lastReceived;
  /** @type {string[]} selections sent to Python that it has not returned yet */
  #pending = [];
  #send;

  /** Where a range of rows that is ticked with Shift begins. */
  anchor = 0;

  /** @param {number[]} ids @param {(ids: number[]) => void} send */
  constructor(ids, send) {
    this.#ids = [...ids];
    this.#lastReceived = ids.join();
    this.#send = send;
    this.set = new Set(ids);
  }

  get ids() {
    return this.#ids;
  }

  /** @param {number} id */
  has(id) {
    return this.set.has(id);
  }

  /** Select what the reader chose. @param {number[]} ids */
  choose(ids) {
    this.#replace(ids);
    this.#pending.push(ids.join());
    this.#send(ids);
  }

  /** The selection as it would be with these runs ticked or not. @param {number[]} ids @param {boolean} ticked */
  with(ids, ticked) {
    const others = this.#ids.filter((id) => !ids.includes(id));
    return ticked ? [...others, ...new Set(ids)] : others;
  }

  /** Select what Python chose, unless it only returns the reader's choice. @param {number[]} ids */
  receive(ids) {
    const text = ids.join();
    const echo = this.#pending.indexOf(text);
    if (echo >= 0) {
      this.#pending.splice(0, echo + 1);
    } else if (!this.#pending.length || text !== this.#lastReceived) {
      this.#pending = [];
      this.#replace(ids);
    }
    this.#lastReceived = text;
  }

  /** @param {number[]} ids */
  #replace(ids) {
    this.#ids = [...ids];
    this.set = new Set(ids);
  }
}
