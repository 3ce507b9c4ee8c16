/** Which columns the reader chose last, remembered by the browser across visits. */
import { COLUMNS } from "../model/columns.js";

const STORAGE_KEY = "mnist-trainer.columns";

/** Whether a column is among those that are shown before the reader chooses. @param {string} key */
export const isUsual = (key) => COLUMNS.some((column) => column.key === key && column.usual);

/** @param {string[]} keys */
export const rememberColumns = (keys) => localStorage.setItem(STORAGE_KEY, JSON.stringify(keys));

/** @returns {string[]} keys; none unless columns were chosen: the usual ones are shown then */
export function rememberedColumns() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "[]");
    if (Array.isArray(stored) && stored.length) return stored;
  } catch {
    localStorage.removeItem(STORAGE_KEY); // written by another program, or damaged
  }
  return [];
}
