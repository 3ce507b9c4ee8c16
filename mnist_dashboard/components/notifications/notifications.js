/** The switch for notifications when a run ends. The browser asks for permission when it is switched on, not before. */
import { canNotify, isOn, switchNotifications } from "../../feed/client/background/run_ends.js";
import { make, setText } from "../lib/dom.js";

const LABEL = "Notify me when a run ends";
const NOTES = {
  on: "While a tab with the dashboard is open.",
  off: "Off in this browser.",
  blocked: "This browser blocks it. Allow notifications for this page in its settings.",
  insecure: "Browsers allow it only for pages at localhost or over https.",
};

class NotificationSwitch {
  #box = make("input", "", { type: "checkbox", role: "switch" });
  #note = make("div", "mt-notify-note", { role: "status" });
  #root = make("div", "mt-notify", {}, make("label", "", {}, this.#box, LABEL), this.#note);

  /** @param {HTMLElement} root */
  constructor(root) {
    root.append(this.#root);
    this.#box.addEventListener("change", async () => {
      await switchNotifications(this.#box.checked);
      this.update();
    });
    this.update();
  }

  update() {
    this.#box.checked = isOn();
    this.#box.disabled = !canNotify();
    setText(this.#note, NOTES[this.#state()]);
  }

  destroy() {
    this.#root.remove();
  }

  /** @returns {keyof typeof NOTES} */
  #state() {
    if (!canNotify()) return "insecure";
    if (Notification.permission === "denied") return "blocked";
    return isOn() ? "on" : "off";
  }
}

/** @param {HTMLElement} root */
export const mount = (root) => new NotificationSwitch(root);
