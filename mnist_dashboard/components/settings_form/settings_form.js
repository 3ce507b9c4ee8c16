/**
 * Adds what Streamlit's widgets lack in a form of settings. Its number fields are text fields: arrow keys step them, phones
 * show digits for them, and a field whose value was refused is marked. A press on Start closes the drawer,
 * which covers the page on a phone.
 */
import { make } from "../lib/dom.js";
import { stepped } from "./numbers.js";

/**
 * @import { NumberField } from "./numbers.js"
 * @typedef {NumberField & {invalid: boolean}} MarkedField
 * @typedef {{fields: Record<string, MarkedField>}} SettingsFormData
 */

const COMMIT_MS = 400; // a held arrow key sends one value, not one a step
const LARGE_STEP = 10;
const DRAWER = "(max-width: 768px)"; // Streamlit lays the sidebar over the page up to this width

class SettingsForm {
  #data;
  #marks = make("style");
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;

  /** @param {SettingsFormData} data */
  constructor(data) {
    this.#data = data;
    document.head.append(this.#marks);
    document.addEventListener("keydown", this.#onKeyDown);
    document.addEventListener("click", onClick);
    for (const type of ["pointerdown", "focusin"]) document.addEventListener(type, this.#onApproach, true);
    this.#mark();
  }

  /** @param {SettingsFormData} data */
  update(data) {
    this.#data = data;
    this.#mark();
  }

  destroy() {
    clearTimeout(this.#timer);
    this.#marks.remove();
    document.removeEventListener("keydown", this.#onKeyDown);
    document.removeEventListener("click", onClick);
    for (const type of ["pointerdown", "focusin"]) document.removeEventListener(type, this.#onApproach, true);
  }

  #mark() {
    const invalid = Object.keys(this.#data.fields).filter((key) => this.#data.fields[key].invalid);
    const inputs = invalid.map((key) => `.st-key-${key} [data-testid="stTextInputRootElement"]`);
    this.#marks.textContent = inputs.length ? `${inputs.join(", ")} { border-color: var(--mt-invalid); }` : "";
    for (const [key, field] of Object.entries(this.#data.fields)) {
      const input = document.querySelector(`.st-key-${key} input`);
      if (input instanceof HTMLInputElement) describe(input, field);
    }
  }

  /** The field around an element, if it is a number field. @param {EventTarget|null} target */
  #fieldOf(target) {
    if (!(target instanceof HTMLInputElement)) return null;
    const classes = [...(target.closest('[class*="st-key-"]')?.classList ?? [])];
    const key = classes.find((name) => name.startsWith("st-key-"))?.slice("st-key-".length) ?? "";
    return this.#data.fields[key] ?? null;
  }

  /** @param {Event} event */
  #onApproach = (event) => {
    const field = this.#fieldOf(event.target);
    if (field) describe(/** @type {HTMLInputElement} */ (event.target), field);
  };

  /** @param {KeyboardEvent} event */
  #onKeyDown = (event) => {
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const field = direction && !event.altKey && !event.ctrlKey && !event.metaKey ? this.#fieldOf(event.target) : null;
    if (!field || !direction) return;
    const input = /** @type {HTMLInputElement} */ (event.target);
    event.preventDefault();
    const text = stepped(input.value, direction * (event.shiftKey ? LARGE_STEP : 1), field);
    if (text === null || text === input.value) return;
    enter(input, text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => pressEnter(input), COMMIT_MS);
  };
}

/** Tell assistive technology and on-screen keyboards that this is a number. @param {HTMLInputElement} input @param {MarkedField} field */
function describe(input, { invalid, step }) {
  input.inputMode = Number.isInteger(step) ? "numeric" : "decimal";
  if (invalid) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** Change the text as typing does: React overrides an input's own setter. @param {HTMLInputElement} input @param {string} text */
function enter(input, text) {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(input, text);
  input.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

/** @param {HTMLInputElement} input */
function pressEnter(input) {
  input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", code: "Enter", bubbles: true }));
}

/** Close the drawer at a press on Start, without waiting for the server. @param {MouseEvent} event */
function onClick(event) {
  const isStart = event.target instanceof Element && event.target.closest(".st-key-start button:enabled");
  if (!isStart || !matchMedia(DRAWER).matches) return;
  const button = document.querySelector('[data-testid="stSidebarCollapseButton"] button');
  if (button instanceof HTMLElement) button.click();
}

/** @param {HTMLElement} _root @param {SettingsFormData} data */
export const mount = (_root, data) => new SettingsForm(data);
