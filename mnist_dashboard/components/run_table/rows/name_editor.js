/** A field in place of a run's name. It stays, with what was typed, until the server has taken the new name. */
import { MAX_NAME_LENGTH } from "../../lib/constants.js";
import { make, setAttribute } from "../../lib/dom.js";

/** @import { ListedRun } from "../../../feed/client/run_list.js" */
/** @import { Cell } from "./rows.js" */

/** @typedef {{token: number, error: string}} Outcome of an edit; no error: it was done */

export class NameEditor {
  /** @type {{field: HTMLInputElement, link: HTMLElement, base: string, sent: string, token: number}|null} */
  #open = null;
  #token = Date.now(); // so that an outcome from before a reload is not mistaken for one of these
  #send;
  #showProblem;

  /**
   * @param {(edit: {run: number, name: string, base: string, token: number}) => void} send
   * @param {(problem: string) => void} showProblem empty: there is none
   */
  constructor(send, showProblem) {
    this.#send = send;
    this.#showProblem = showProblem;
  }

  /** @param {Cell} cell @param {ListedRun|undefined} run */
  open(cell, run) {
    this.#close();
    const link = cell.name;
    if (!link || !run) return;
    const field = make("input", "mt-table-rename-field", {
      type: "text", "aria-label": `New name of ${run.name}`, maxlength: String(MAX_NAME_LENGTH), autocomplete: "off", spellcheck: "false",
    });
    field.value = run.name;
    this.#open = { field, link, base: run.name, sent: "", token: 0 };
    link.hidden = true;
    link.after(field);
    field.addEventListener("keydown", (event) => this.#onKey(event, run.id));
    field.addEventListener("blur", () => this.#commit(run.id));
    field.focus();
    field.select();
  }

  /** @param {KeyboardEvent} event @param {number} run its id */
  #onKey(event, run) {
    event.stopPropagation(); // arrow keys move the caret, not the row
    if (event.key === "Enter" && !event.isComposing) this.#commit(run);
    if (event.key === "Escape") this.#close(true);
  }

  /** @param {number} run its id */
  #commit(run) {
    if (!this.#open || this.#open.token) return;
    const { field, base, sent } = this.#open;
    const name = field.value.trim();
    if (name === base || (name === sent && document.activeElement !== field)) {
      this.#close(document.activeElement === field);
      return;
    }
    Object.assign(this.#open, { sent: name, token: ++this.#token });
    setAttribute(field, "aria-busy", "true");
    this.#send({ run, name, base, token: this.#token });
  }

  /** @param {Outcome|null} outcome */
  receive(outcome) {
    if (!this.#open || !outcome || outcome.token !== this.#open.token) return;
    if (!outcome.error) {
      this.#open.link.textContent = this.#open.sent; // the feed brings the same in a moment
      this.#close(document.activeElement === this.#open.field);
      return;
    }
    const { field } = this.#open;
    this.#open.token = 0;
    field.removeAttribute("aria-busy");
    field.setAttribute("aria-invalid", "true");
    this.#showProblem(outcome.error);
    if (field.isConnected) field.focus();
  }

  /** @param {boolean} [keepsFocus] */
  #close(keepsFocus = false) {
    if (!this.#open) return;
    const { field, link } = this.#open;
    this.#open = null; // before the field loses the focus, which would commit
    link.hidden = false;
    field.remove();
    this.#showProblem("");
    if (keepsFocus) link.focus();
  }
}
