/** What a reader can do in a row: tick it, open a group, star a run, rename it; with the pointer or the keyboard. */

/**
 * @import { Item } from "../model/arrange.js"
 * @import { BuiltRow, Cell } from "./rows.js"
 */

/**
 * @typedef {object} RowActions
 * @property {(key: string, ticked: boolean, withRange: boolean) => void} tick
 * @property {(key: string) => void} toggleGroup
 * @property {(id: number, starred: boolean) => void} star
 * @property {(cell: Cell, id: number) => void} rename
 */

const OWN_USE = "a, button, input, label, select"; // these act on a click themselves

/** @param {BuiltRow} built @param {Item} item @param {RowActions} actions */
export function listenToRow(built, item, actions) {
  const { row, tick, cells } = built;
  tick.addEventListener("click", (event) => actions.tick(item.key, tick.checked, event.shiftKey));
  row.addEventListener("mousedown", (event) => {
    if (event.shiftKey && !isOwn(event)) event.preventDefault(); // a range of rows is ticked, no text selected
  });
  row.addEventListener("click", (event) => {
    if (isOwn(event) || selectsText(row)) return;
    actions.tick(item.key, !tick.checked, event.shiftKey);
  });
  row.querySelector(".mt-table-toggle")?.addEventListener("click", () => actions.toggleGroup(item.key));
  const cell = cells.find(({ rename }) => rename);
  row.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLAnchorElement && event.key === " ") {
      event.preventDefault();
      actions.tick(item.key, !tick.checked, event.shiftKey);
    }
    if (cell && item.kind === "run" && event.key === "F2") actions.rename(cell, item.run.id);
  });
  if (!cell || item.kind !== "run") return built;
  cell.star?.addEventListener("click", () => actions.star(item.run.id, cell.star?.getAttribute("aria-pressed") !== "true"));
  cell.rename?.addEventListener("click", () => actions.rename(cell, item.run.id));
  return built;
}

/** Whether what was clicked acts by itself. @param {MouseEvent} event */
const isOwn = ({ target }) => target instanceof Element && target.closest(OWN_USE) !== null;

/** Whether the click ends a selection of text. @param {HTMLElement} row */
function selectsText(row) {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && row.contains(selection.anchorNode);
}
