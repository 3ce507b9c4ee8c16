/** Mounts a view of one run, which begins anew when the page shows another run. */

/**
 * @import { Host } from "../types"
 * @typedef {{update: (data: any, host: Host) => void, destroy: () => void}} View
 */

/** @param {new (root: HTMLElement, data: any, host: Host) => View} View */
export const mountView = (View) => (/** @type {HTMLElement} */ root, /** @type {{run: number}} */ data, /** @type {Host} */ host) => {
  let shownRun = data.run;
  let view = new View(root, data, host);
  return {
    /** @param {{run: number}} next @param {Host} nextHost */
    update(next, nextHost) {
      if (next.run === shownRun) {
        view.update(next, nextHost);
        return;
      }
      shownRun = next.run;
      view.destroy();
      view = new View(root, next, nextHost);
    },
    destroy: () => view.destroy(),
  };
};
