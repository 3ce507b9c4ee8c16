/** A search below its row of actions: what trains now, the best trials, all their results and curves, and the winner. Live. */
import { followSweep } from "../../feed/client/sweeps.js";
import { make } from "../lib/dom.js";
import { drawSoon, forgetDrawing } from "../lib/drawing.js";
import { onThemeChange } from "../lib/theme.js";
import { BestChart } from "./panels/best_chart.js";
import { CurvesChart } from "./panels/curves_chart.js";
import { Finals } from "./panels/finals.js";
import { Leaderboard } from "./panels/leaderboard.js";
import { Slots } from "./panels/slots.js";

/** @import { SweepState } from "../lib/types" */
/** @typedef {{sweep: number}} BoardData */

class SweepBoard {
  #id = 0;
  /** @type {SweepState|null} */
  #sweep = null;
  #best = new BestChart();
  #curves = new CurvesChart();
  #panels = [new Slots(), new Finals(), new Leaderboard(), this.#best, this.#curves];
  #box = make("div", "mt-board", { hidden: "" }, make("div", "mt-board-inner", {}, ...this.#panels.map(({ element }) => element)));
  #unfollow = () => {};
  #stopWatchingTheme;

  /** @param {HTMLElement} root @param {BoardData} data */
  constructor(root, data) {
    root.append(this.#box);
    this.#stopWatchingTheme = onThemeChange(root, () => {
      this.#best.draw();
      this.#curves.draw();
    });
    this.update(data);
  }

  /** @param {BoardData} data */
  update({ sweep: id }) {
    if (id === this.#id) return;
    this.#id = id;
    this.#sweep = null;
    this.#unfollow();
    this.#unfollow = followSweep(id, (sweep) => {
      this.#sweep = sweep;
      drawSoon(this.#paint);
    });
  }

  destroy() {
    forgetDrawing(this.#paint);
    this.#unfollow();
    this.#stopWatchingTheme();
    this.#best.destroy();
    this.#curves.destroy();
    this.#box.remove();
  }

  #paint = () => {
    const sweep = this.#sweep;
    this.#box.hidden = !sweep;
    if (sweep) for (const panel of this.#panels) panel.show(sweep);
  };
}

/** @param {HTMLElement} root @param {BoardData} data */
export const mount = (root, data) => new SweepBoard(root, data);
