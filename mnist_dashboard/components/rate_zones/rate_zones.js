/**
 * The line below the slider of the learning rate, and the zones on the slider's track. The track is Streamlit's: rate_zones.css
 * paints it, with the places of the zones as variables. A press on the zone's name unfolds the curve of the range test.
 */
import { make, setAttribute, setText } from "../lib/dom.js";
import { curvePanel } from "./curve_panel.js";
import { placeOnTrack, zoneEnds } from "./track.js";

/**
 * @import { Host } from "../lib/types"
 * @typedef {"blank"|"untested"|"testing"|"tested"|"outdated"|"failed"} State
 * @typedef {{
 *   state: State, slider: string, stops: number[], rate: number, zone: string, text: string, problem: string,
 *   safe_up_to: number|null, diverges_above: number|null, suggested: number|null, rates: number[], losses: (number|null)[],
 *   may_test: boolean, may_set: boolean,
 * }} RateLine
 */

class RateZones {
  #data;
  #host;
  #places = make("style");
  #zone = make("button", "mt-rates-zone", { type: "button", "aria-expanded": "false" });
  #note = make("span", "mt-rates-note", { role: "status" });
  #test = make("button", "mt-rates-link", { type: "button" });
  #suggestion = make("button", "mt-rates-link mt-rates-suggestion", { type: "button" });
  #panel = make("div", "mt-rates-panel", { hidden: "" });
  #line = make("div", "mt-rates", {}, this.#zone, this.#note, this.#test, this.#suggestion, this.#panel);

  /** @param {HTMLElement} root @param {RateLine} data @param {Host} host */
  constructor(root, data, host) {
    this.#data = data;
    this.#host = host;
    root.append(this.#line);
    document.head.append(this.#places);
    this.#zone.addEventListener("click", () => this.#unfold(Boolean(this.#panel.hidden)));
    this.#test.addEventListener("click", () => this.#host.setTriggerValue("test", true));
    this.#suggestion.addEventListener("click", () => this.#host.setTriggerValue("suggested", this.#data.suggested));
    document.addEventListener("keydown", this.#onKeyDown);
    document.addEventListener("pointerdown", this.#onPointerDown);
    this.#show();
  }

  /** @param {RateLine} data @param {Host} host */
  update(data, host) {
    this.#data = data;
    this.#host = host;
    this.#show();
  }

  destroy() {
    this.#places.remove();
    this.#line.remove();
    document.removeEventListener("keydown", this.#onKeyDown);
    document.removeEventListener("pointerdown", this.#onPointerDown);
  }

  #show() {
    const { state, zone, text, problem, suggested, may_test: mayTest, may_set: maySet } = this.#data;
    const isTested = state === "tested";
    const hasPanel = isTested || state === "failed";
    this.#zone.hidden = !hasPanel;
    setAttribute(this.#zone, "data-zone", isTested ? zone : null);
    const [word, ...rest] = (isTested ? text : "Test failed").split(" ");
    this.#zone.replaceChildren(make("b", "", {}, word), ` ${rest.join(" ")}`);
    setText(this.#note, state === "testing" ? "Testing learning rates" : state === "outdated" ? text : "");
    this.#test.hidden = !["untested", "outdated", "failed"].includes(state);
    setText(this.#test, state === "untested" ? "Find a good rate" : "Test again");
    this.#test.disabled = !mayTest;
    this.#test.title = mayTest ? "Trains a new network for seconds at rising learning rates" : problem;
    this.#suggestion.hidden = !isTested || suggested === null;
    setText(this.#suggestion, `Suggested ${suggested}`);
    this.#suggestion.disabled = !maySet;
    this.#paint();
    if (!hasPanel) this.#unfold(false);
    else if (!this.#panel.hidden) this.#unfold(true);
  }

  #paint() {
    const { state, slider, stops, suggested } = this.#data;
    const isPainted = state === "tested";
    setAttribute(this.#line, "data-painted", isPainted ? "" : null);
    if (!isPainted) {
      this.#places.textContent = "";
      return;
    }
    const [safe, risky] = zoneEnds(this.#data);
    const mark = suggested === null ? "-1000px" : `${(100 * placeOnTrack(suggested, stops)).toFixed(2)}%`;
    const places = `--mt-safe-end: ${safe.toFixed(2)}%; --mt-risky-end: ${risky.toFixed(2)}%; --mt-suggested: ${mark};`;
    this.#places.textContent = `.st-key-${slider} { ${places} }`;
  }

  /** @param {boolean} isOpen */
  #unfold(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#zone.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.#panel.replaceChildren(...curvePanel(this.#data));
  }

  /** @param {KeyboardEvent} event */
  #onKeyDown = (event) => {
    if (event.key !== "Escape" || this.#panel.hidden) return;
    this.#unfold(false);
    this.#zone.focus();
  };

  /** @param {Event} event */
  #onPointerDown = (event) => {
    if (event.target instanceof Node && !this.#line.contains(event.target)) this.#unfold(false);
  };
}

/** @param {HTMLElement} root @param {RateLine} data @param {Host} host */
export const mount = (root, data, host) => new RateZones(root, data, host);
