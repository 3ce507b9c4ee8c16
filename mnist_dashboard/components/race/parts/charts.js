/** The charts of a race over the same lower axis: the smoothed loss of each lane, and how far lanes are behind the leader. */
import { stream } from "../../../feed/client/stream.js";
import { make } from "../../lib/dom.js";
import { formatCount, formatLoss, formatPercent } from "../../lib/format.js";
import { stepToX } from "../../live_chart/model/axes/x_axes.js";
import { gapAxis, gapLine, leads, lossAxis, thin } from "../model/axes.js";
import { formatPoints, haveSameSteps, orderLanes } from "../model/standing.js";
import { LineChart } from "./line_chart.js";

/**
 * @import { Point } from "../model/axes.js"
 * @import { RaceData, Shown } from "../race.js"
 */

const MOST_POINTS = 600; // of a line: about one a pixel and a half

export class RaceCharts {
  #shown;
  #loss = new LineChart("Loss", "mt-race-loss");
  #gap = new LineChart("Behind the leader", "mt-race-gap");
  #note = make("p", "mt-lanes-note", {}, "The tint behind the curves has the colour of the leader at that time.");

  /** @param {HTMLElement} root @param {() => Shown} shown */
  constructor(root, shown) {
    this.#shown = shown;
    root.append(this.#loss.element, this.#gap.element, this.#note);
  }

  destroy() {
    for (const chart of [this.#loss, this.#gap]) {
      chart.destroy();
      chart.element.remove();
    }
    this.#note.remove();
  }

  drawnAnew() {}

  follow() {}

  paint() {
    const { data, runs, standing } = this.#shown();
    const inSteps = haveSameSteps(runs);
    const { moments } = standing;
    const last = inSteps ? Math.max(1, ...runs.map((run) => run.total_steps)) : Math.max(1, ...runs.map(({ settings }) => settings.epochs));
    const x = { high: last, title: "" };
    const title = inSteps ? "Step (batches trained)" : "Epoch";
    const formatX = (/** @type {number} */ at) => (inSteps ? `Step ${formatCount(at)}` : `Epoch ${at.toFixed(2)}`);
    const losses = data.lanes.map((lane) => ({ ...lane, points: this.#lossLine(lane, inSteps) }));
    this.#loss.show({
      lines: losses,
      tints: [],
      y: lossAxis(losses.flatMap(({ points }) => points.map(([, loss]) => loss))),
      x,
      yTitle: "Cross-entropy, smoothed",
      markers: false,
      format: formatLoss,
      formatX,
      description: `Loss. ${losses.map(({ name, points }) => `${name}: ${formatLoss(points.at(-1)?.[1])}`).join(", ")}.`,
      empty: "The loss of every lane will be drawn here.",
    });
    const colors = new Map(data.lanes.map(({ id, color }) => [id, color]));
    const accuracies = moments.at(-1)?.accuracies ?? {};
    const places = orderLanes(data.lanes, moments).map(({ id, name }) => `${name}: ${formatPercent(accuracies[id])}`);
    this.#gap.show({
      lines: data.lanes.map((lane) => ({ ...lane, points: gapLine(moments, lane.id, inSteps) })),
      tints: leads(moments, inSteps).map(({ leader, from, to }) => ({ color: colors.get(leader) ?? 0, from, to })),
      y: gapAxis(moments),
      x: { ...x, title },
      yTitle: "Points of validation",
      markers: moments.length < 60,
      format: (points) => formatPoints(points / 100),
      formatX,
      description: `Behind the leader. ${places.join(", ")}.`,
      empty: "Shows after the first evaluation.",
    });
  }

  /** @param {RaceData["lanes"][number]} lane @param {boolean} inSteps @returns {Point[]} */
  #lossLine({ id }, inSteps) {
    const series = stream.series(id);
    if (!series) return [];
    const toX = stepToX(inSteps ? "step" : "epoch", series, stream.run(id));
    /** @type {Point[]} */
    const points = [];
    series.x.forEach((step, i) => {
      const [at, loss] = [toX(step), series.loss.smooth[i]];
      if (at !== null && loss !== null) points.push([at, loss]);
    });
    return thin(points, MOST_POINTS);
  }
}
