/** What the line of the learning rate unfolds: the loss over the rate in the range test, or why there is none. */
import { make } from "../lib/dom.js";
import { drawSvg, label, segment } from "../lib/svg.js";
import { curvePoints, placeOnAxis } from "./track.js";

/** @import { RateLine } from "./rate_zones.js" */

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [196, 92, 24, 16, 6];
const HEADROOM = 1.15; // above the loss of a network that has learned nothing

/** The nodes of the panel. @param {RateLine} line @returns {Node[]} */
export function curvePanel(line) {
  if (line.state !== "tested") return [make("p", "", {}, line.problem)];
  const heading = make("p", "", {}, "Loss while the rate rises");
  return [heading, drawCurve(line)];
}

/** @param {RateLine} line */
function drawCurve(line) {
  const { stops, rates, losses, rate, safe_up_to: safe, diverges_above: diverges } = line;
  const [low, high] = [stops[0], stops[stops.length - 1]];
  const highest = HEADROOM * (losses[0] ?? 1);
  const x = (/** @type {number} */ place) => LEFT + WIDTH * place;
  const at = (/** @type {number} */ value) => placeOnAxis(value, low, high);
  const ends = [0, safe === null ? 0 : at(safe), diverges === null ? 1 : at(diverges), 1];
  const bands = ["safe", "risky", "diverges"].map((zone, i) =>
    drawSvg("rect", {
      class: `mt-rates-${zone}`,
      x: x(ends[i]),
      y: TOP,
      width: Math.max(0, WIDTH * (ends[i + 1] - ends[i])),
      height: HEIGHT,
    }),
  );
  const curve = drawSvg("polyline", {
    class: "mt-rates-curve",
    points: curvePoints(rates, losses, { width: WIDTH, height: HEIGHT, low, high, highest }),
    transform: `translate(${LEFT} ${TOP})`,
  });
  const ticks = [0.0001, 0.001, 0.01, 0.1, 1].filter((tick) => tick >= low && tick <= high);
  const levels = [0, 1, 2].filter((level) => level < highest);
  const height = (/** @type {number} */ loss) => TOP + HEIGHT * (1 - loss / highest);
  const present = segment(x(at(rate)), TOP, x(at(rate)), TOP + HEIGHT, "currentcolor", "2 2");
  const described = `Loss over the learning rate. ${line.text}.`;
  return drawSvg(
    "svg",
    { class: "mt-rates-chart", viewBox: `0 0 ${LEFT + WIDTH + 10} ${TOP + HEIGHT + BOTTOM}`, role: "img", "aria-label": described },
    ...bands,
    ...levels.map((level) => label(LEFT - 4, height(level) + 3, String(level), "end")),
    ...ticks.map((tick) => label(x(at(tick)), TOP + HEIGHT + 12, String(tick), tick === high ? "end" : tick === low ? "start" : "middle")),
    present,
    curve,
  );
}
