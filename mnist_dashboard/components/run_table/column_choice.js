/** Which columns the reader chose last, remembered by the browser across visits. */
import { COLUMNS } from "./model/columns.js";

const STORAGE_KEY = "mnist-trainer.columns";

export const USUAL_COLUMNS = COLUMNS.filter((column) => column.usual).map((column) => column.key);

/** @param {string[]} keys */
export const rememberColumns = (keys) => localStorage.setItem(STORAGE_KEY, JSON.stringify(keys));

/** @returns {string[]} keys; the usual ones unless others were chosen */
export function rememberedColumns() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "[]");
    if (Array.isArray(stored) && stored.length) return stored;
  } catch {
    localStorage.removeItem(STORAGE_KEY); // written by another program, or damaged
  }
  return USUAL_COLUMNS;
}
