/** Which kind of map this browser shows. */

const KIND_KEY = "mnist-trainer-map";

/** Whether it shows a map by t-SNE. */
export function wantsTsne() {
  try {
    return localStorage.getItem(KIND_KEY) === "tsne";
  } catch {
    return false; // storage is switched off
  }
}

/** @param {boolean} isTsne */
export function rememberTsne(isTsne) {
  try {
    localStorage.setItem(KIND_KEY, isTsne ? "tsne" : "pca");
  } catch {
    // Storage is switched off or full: the choice holds until the page is closed.
  }
}
