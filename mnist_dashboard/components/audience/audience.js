/** Whether you may act, how many are watching, and who acted last. Live: no page is redrawn when somebody joins. */
import { stream } from "../../feed/client/stream.js";
import { OWNER } from "../lib/constants.js";
import { make, setText } from "../lib/dom.js";

/**
 * @typedef {object} AudienceData
 * @property {boolean} may_act
 */

class Audience {
  #data;
  #badge = make("span", "mt-audience-badge");
  #text = make("span", "", { role: "status" });
  #box = make("div", "mt-audience", {}, this.#badge, this.#text);
  #subscription;

  /** @param {HTMLElement} root @param {AudienceData} data */
  constructor(root, data) {
    this.#data = data;
    root.append(this.#box);
    this.#subscription = stream.subscribe({ runs: [], onAudience: () => this.#paint() });
    this.#paint();
  }

  /** @param {AudienceData} data */
  update(data) {
    this.#data = data;
    this.#paint();
  }

  destroy() {
    this.#subscription.close();
    this.#box.remove();
  }

  #paint() {
    const { watching, driver } = stream.audience;
    const mayAct = this.#data.may_act;
    setText(this.#badge, mayAct ? "Owner" : "Watching");
    this.#badge.title = mayAct ? "You can start, steer and delete runs." : "You see everything and change nothing.";
    const parts = [!mayAct && driver && `${nameOf(driver)} is driving.`, watching && `${watching} watching.`];
    setText(this.#text, parts.filter(Boolean).join(" "));
  }
}

/** People at the server's machine share one name, a common noun; any other is the name of a person. @param {string} driver */
const nameOf = (driver) => (driver === OWNER ? "The owner" : driver);

/** @param {HTMLElement} root @param {AudienceData} data */
export const mount = (root, data) => new Audience(root, data);
