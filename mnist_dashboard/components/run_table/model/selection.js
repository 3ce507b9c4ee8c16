/**
 * Which runs are ticked, in the order they were. Python gives back every selection it is told, late: while a newer one is on
 * its way, an older one is only an echo, and the one from before is a rerun that did not know yet. Anything else is Python's
 * own choice.
 */
export class Selection {
  #ids;
  #offered;
  #sent = []; // told to Python and not given back yet
  #tell;

  /** Where a range of rows that is ticked with Shift begins. */
  anchor = 0;

  /** @param {number[]} ids @param {(ids: number[]) => void} tell */
  constructor(ids, tell) {
    [this.#ids, this.#offered, this.#tell] = [[...ids], ids.join(), tell];
    this.set = new Set(ids);
  }

  get ids() {
    return this.#ids;
  }

  has(id) {
    return this.set.has(id);
  }

  /** The reader's choice. */
  choose(ids) {
    this.#take(ids);
    this.#sent.push(ids.join());
    this.#tell(ids);
  }

  /** What it would be with these runs ticked or not. */
  with(ids, on) {
    const others = this.#ids.filter((id) => !ids.includes(id));
    return on ? [...others, ...new Set(ids)] : others;
  }

  /** Python's choice, or the echo of the reader's. */
  offer(ids) {
    const text = ids.join();
    const echo = this.#sent.indexOf(text);
    if (echo >= 0) {
      this.#sent.splice(0, echo + 1);
    } else if (!this.#sent.length || text !== this.#offered) {
      this.#sent = [];
      this.#take(ids);
    }
    this.#offered = text;
  }

  #take(ids) {
    this.#ids = [...ids];
    this.set = new Set(ids);
  }
}
