/** What the list of queued runs says and asks for. Pure. */
import { SETTINGS } from "../lib/constants.js";
import { formatChoice, formatSetting } from "../lib/format.js";

/** @import { Settings } from "../lib/types" */

/**
 * A request to Python, relative to another run: the queue may move on before it arrives.
 * @typedef {{do: "move", run: number, before: number}|{do: "move", run: number, after: number}
 *   |{do: "remove", run: number}|{do: "return", run: number}} Request
 */

/**
 * The request that moves a run one place up or down, and the one that moves it back; null at the end of the queue.
 * @param {number[]} order ids of the queued runs
 * @param {number} run
 * @param {"up"|"down"} direction
 * @returns {{request: Request, undo: Request}|null}
 */
export function moveRequest(order, run, direction) {
  const other = order[order.indexOf(run) + (direction === "up" ? -1 : 1)];
  if (other === undefined || !order.includes(run)) return null;
  /** @type {Request} */
  const before = { do: "move", run, before: other };
  /** @type {Request} */
  const after = { do: "move", run, after: other };
  return direction === "up" ? { request: before, undo: after } : { request: after, undo: before };
}

/** The settings of a run that are not the defaults, in words. @param {Settings} settings */
export function describeSettings(settings) {
  const changed = Object.entries(SETTINGS).filter(([name, { default: usual }]) => settings[name] !== usual && settings[name] !== null);
  const words = changed.map(([name, setting]) => {
    const label = setting.label.toLowerCase();
    const value = settings[name];
    if (typeof value === "boolean") return value ? label : `no ${label}`;
    return `${label} ${typeof value === "number" ? formatSetting(value) : formatChoice(setting.choices, String(value))}`;
  });
  return words.join(", ") || "Default settings";
}

/** The line in the sidebar. @param {string[]} names of the queued runs, in order */
export function queueLine(names) {
  if (!names.length) return "";
  const others = names.length - 1;
  return others ? `${names[0]} and ${others} more are in the queue` : `${names[0]} is in the queue`;
}
