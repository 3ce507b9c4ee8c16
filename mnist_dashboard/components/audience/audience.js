/** Whether you may act, how many are watching, and who acted last. Live: nobody's page is redrawn when somebody joins. */
import { make, setText } from "../lib/dom.js";
import { OWNER } from "../lib/constants.js";
import { stream } from "../../feed/client/stream.js";

/**
 * @typedef {object} AudienceData
 * @property {boolean} may_act
 */

class Audience {
  #data;
  #box;
  #badge;
  #text;
  #subscription;

  constructor(root, data) {
    this.#badge = make("span", "mt-audience-badge");
    this.#text = make("span", "mt-audience-text", { role: "status" });
    this.#box = root.appendChild(make("div", "mt-audience", {}, this.#badge, this.#text));
    this.#subscription = stream.subscribe({ runs: [], onAudience: () => this.#paint() });
    this.update(data);
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
    setText(this.#badge, this.#data.may_act ? "Owner" : "Watching");
    this.#badge.title = this.#data.may_act ? "You can start, steer and delete runs." : "You see everything and change nothing.";
    const driving = !this.#data.may_act && driver ? `${sentenceCase(driver)} is driving. ` : "";
    setText(this.#text, watching ? `${driving}${watching} watching.` : driving.trimEnd());
  }
}

/** The name given to people at the server's machine is a common noun; any other is the name of a person. */
const sentenceCase = (name) => (name === OWNER ? "The owner" : name);

export const mount = (root, data) => new Audience(root, data);
