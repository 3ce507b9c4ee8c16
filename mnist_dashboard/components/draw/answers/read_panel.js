/** What the runs read: the first one's answer in large, in words and spoken, and ten bars of each run. */
import { make, setText } from "../../lib/dom.js";
import { Bars } from "./bars.js";
import { describeAnswers } from "./words.js";

/** @import { Answer, Judge, Verdict } from "./words.js" */

const SPOKEN_MS = 700; // screen readers hear the answer once it stands still

export class ReadPanel {
  #digit = make("span", "mt-verdict-digit", { "aria-hidden": "true" });
  #main = make("b");
  #rest = make("span", "mt-verdict-rest");
  #verdict = make("div", "mt-verdict", {}, this.#digit, make("p", "", {}, this.#main, this.#rest));
  #spoken = make("p", "mt-visually-hidden", { role: "status" });
  #bars = new Bars();
  elements = [this.#verdict, this.#bars.element, this.#spoken];
  /** @type {Judge[]} */
  #judges = [];
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #speaking;

  destroy() {
    clearTimeout(this.#speaking);
  }

  /** @param {Judge[]} judges */
  setJudges(judges) {
    this.#judges = judges;
    this.#bars.setJudges(judges);
  }

  /** @param {Answer[]} answers @param {number|null} meant what the digit is meant to be @param {string} notice about the picture */
  show(answers, meant, notice) {
    this.#bars.show(answers);
    const verdict = describeAnswers(this.#judges, answers, meant);
    this.#say({ ...verdict, rest: [verdict.rest, notice].filter(Boolean).join(" ") });
  }

  /** Show words in place of answers. @param {{main?: string, rest?: string}} words */
  clear({ main = "", rest = "" }) {
    this.#bars.show([]);
    this.#say({ digit: "", main, rest });
  }

  /** Say why the answers are late; those of before stay. @param {string} problem */
  delay(problem) {
    setText(this.#rest, problem);
    this.#speak();
  }

  /** @param {Verdict} verdict */
  #say({ digit, main, rest, isWrong }) {
    this.#verdict.toggleAttribute("data-wrong", Boolean(isWrong));
    setText(this.#digit, digit);
    setText(this.#main, main);
    setText(this.#rest, rest);
    this.#speak();
  }

  #speak() {
    clearTimeout(this.#speaking);
    this.#speaking = setTimeout(() => setText(this.#spoken, `${this.#main.textContent} ${this.#rest.textContent}`), SPOKEN_MS);
  }
}
