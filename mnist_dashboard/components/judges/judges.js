/** The runs that judge a drawing: a chip for each, and a list of the runs that can be added. */
import { make } from "../lib/dom.js";
import { onThemeChange, palette, runColor } from "../lib/theme.js";

/**
 * @import { Host } from "../lib/types"
 * @typedef {{id: number, name: string}} Judge
 * @typedef {{chosen: Judge[], candidates: Judge[], most: number}} JudgesData the first one chosen is the run of the page
 */

class Judges {
  #host;
  #data;
  #chips = make("span", "mt-judges", { role: "group", "aria-label": "Runs that judge the drawing" });
  #add = make("select", "mt-judges-add", { "aria-label": "Add a run" });
  #stopWatchingTheme;

  /** @param {HTMLElement} root @param {JudgesData} data @param {Host} host */
  constructor(root, data, host) {
    this.#host = host;
    this.#data = data;
    this.#add.addEventListener("change", () => this.#choose([...this.#others(), Number(this.#add.value)]));
    root.append(this.#chips);
    this.#stopWatchingTheme = onThemeChange(root, () => this.#draw());
    this.#draw();
  }

  /** @param {JudgesData} data @param {Host} host */
  update(data, host) {
    this.#host = host;
    if (JSON.stringify(data) === JSON.stringify(this.#data)) return;
    this.#data = data;
    this.#draw();
  }

  destroy() {
    this.#stopWatchingTheme();
    this.#chips.remove();
  }

  #draw() {
    const { chosen, candidates, most } = this.#data;
    const colors = palette(this.#chips);
    const chips = chosen.map(({ id, name }, i) => {
      const swatch = make("span", "mt-swatch", { style: `--run: ${runColor(colors, i)}`, "aria-hidden": "true" });
      const chip = make("span", "mt-judge", {}, swatch, make("span", "mt-judge-name", { title: name }, name));
      if (!i) return chip;
      const remove = make("button", "", { type: "button", "aria-label": `Remove ${name}`, title: `Remove ${name}` }, "×");
      remove.addEventListener("click", () => this.#choose(this.#others().filter((other) => other !== id)));
      chip.append(remove);
      return chip;
    });
    const options = candidates.map(({ id, name }) => make("option", "", { value: String(id) }, name));
    this.#add.replaceChildren(make("option", "", { value: "", hidden: "" }, "+ Add a run"), ...options);
    this.#add.value = "";
    this.#add.hidden = !candidates.length || chosen.length >= most;
    const label = make("span", "mt-judges-label", { "aria-hidden": "true" }, chosen.length ? "Judged by" : "");
    this.#chips.replaceChildren(label, ...chips, this.#add);
  }

  #others() {
    return this.#data.chosen.slice(1).map(({ id }) => id);
  }

  /** @param {number[]} ids */
  #choose(ids) {
    this.#host.setTriggerValue("others", ids);
  }
}

/** @param {HTMLElement} root @param {JudgesData} data @param {Host} host */
export const mount = (root, data, host) => new Judges(root, data, host);
