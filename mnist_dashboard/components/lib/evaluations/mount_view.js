/** Mounts a view that begins anew when the page shows another run, or other runs. */

/**
 * @import { Host } from "../types"
 * @typedef {{update: (data: any, host: Host) => void, destroy: () => void}} View
 */

/**
 * @param {new (root: HTMLElement, data: any, host: Host) => View} View
 * @param {(data: any) => unknown} runOf what the view shows, by its data
 */
export const mountView = (View, runOf = ({ run }) => run) => (
  /** @type {HTMLElement} */ root, /** @type {unknown} */ data, /** @type {Host} */ host,
) => {
  let shownRun = runOf(data);
  let view = new View(root, data, host);
  return {
    /** @param {unknown} next @param {Host} nextHost */
    update(next, nextHost) {
      if (runOf(next) === shownRun) {
        view.update(next, nextHost);
        return;
      }
      shownRun = runOf(next);
      view.destroy();
      view = new View(root, next, nextHost);
    },
    destroy: () => view.destroy(),
  };
};
