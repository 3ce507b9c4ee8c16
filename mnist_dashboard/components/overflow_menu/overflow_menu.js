/**
 * The button ⋯ of a row of actions. The actions are drawn once: ui/style.css shows those that do not fit in a panel below the
 * row while the row has the attribute data-open. So a form that an action has opened stays when the width changes.
 */
import { make } from "../lib/dom.js";

const ROW = ".st-key-actions";
const POPOVERS = '[data-testid="stPopoverBody"], [data-baseweb="popover"], [role="listbox"], [role="dialog"]';

class OverflowMenu {
  #button = make("button", "mt-overflow", { type: "button", "aria-label": "More actions", "aria-expanded": "false" }, "⋯");

  /** @param {HTMLElement} root */
  constructor(root) {
    root.append(this.#button);
    this.#button.addEventListener("click", () => this.#setOpen(!this.#isOpen));
    this.#button.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      this.#setOpen(true);
      this.#entries()[0]?.focus();
    });
    document.addEventListener("pointerdown", this.#onOutside, true);
    document.addEventListener("keydown", this.#onKey);
    document.addEventListener("click", this.#onClick);
  }

  update() {}

  destroy() {
    document.removeEventListener("pointerdown", this.#onOutside, true);
    document.removeEventListener("keydown", this.#onKey);
    document.removeEventListener("click", this.#onClick);
    this.#button.remove();
  }

  get #isOpen() {
    return this.#button.getAttribute("aria-expanded") === "true";
  }

  /** @param {boolean} isOpen */
  #setOpen(isOpen) {
    this.#button.setAttribute("aria-expanded", String(isOpen));
    this.#button.closest(ROW)?.toggleAttribute("data-open", isOpen);
  }

  /** @returns {HTMLElement[]} the buttons in the panel */
  #entries() {
    const panel = this.#button.closest(ROW)?.querySelectorAll(".st-key-more_actions, .st-key-rest_of_actions") ?? [];
    const shown = [...panel].find((box) => getComputedStyle(box).position === "absolute");
    return shown ? [...shown.querySelectorAll("button")] : [];
  }

  /** @param {Event} event */
  #onOutside = ({ target }) => {
    const isInside = target instanceof Element && (this.#button.closest(ROW)?.contains(target) || target.closest(POPOVERS));
    if (this.#isOpen && !isInside) this.#setOpen(false);
  };

  /** Close the menu after an action that opens no form. @param {Event} event */
  #onClick = ({ target }) => {
    const button = target instanceof Element && target.closest("button");
    if (!this.#isOpen || !button || button.hasAttribute("aria-expanded")) return;
    if (this.#entries().includes(button)) this.#setOpen(false);
  };

  /** @param {KeyboardEvent} event */
  #onKey = (event) => {
    if (!this.#isOpen || document.querySelector('[data-testid="stPopoverBody"]')) return;
    if (event.key === "Escape") {
      this.#setOpen(false);
      this.#button.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const entries = this.#entries();
      const place = entries.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      if (place < 0) return;
      event.preventDefault();
      entries[(place + (event.key === "ArrowDown" ? 1 : -1) + entries.length) % entries.length].focus();
    }
  };
}

/** @param {HTMLElement} root */
export const mount = (root) => new OverflowMenu(root);
