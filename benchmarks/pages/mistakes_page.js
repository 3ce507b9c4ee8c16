/** Run by mistakes_page.py in the page that it measures. */

/** What matrix and gallery show, as a text. */
function state() {
  const grid = document.querySelector(".mt-mistakes-matrix [role=grid]");
  const thumbs = [...document.querySelectorAll(".mt-gallery .mt-thumb:not([hidden])")];
  return grid.ariaLabel + thumbs.map((thumb) => {
    const pixels = thumb.querySelector("canvas").getContext("2d").getImageData(0, 0, 28, 28).data;
    return thumb.dataset.image + pixels.reduce((sum, value) => (31 * sum + value) % 1e9, 0);
  }).join();
}

/**
 * Seconds from a click, or a key, until the last of matrix and gallery has changed; null if none has within a second.
 * @param {string} selector @param {string} key empty for a click
 */
async function timeAction(selector, key) {
  const before = state();
  const element = document.querySelector(selector);
  const began = performance.now();
  if (key) element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  else element.click();
  let [last, changedAt, now] = [before, began, began];
  while (now < began + 1000) {
    now = await new Promise(requestAnimationFrame);
    const current = state();
    if (current !== last) [last, changedAt] = [current, performance.now()];
  }
  return last === before ? null : (changedAt - began) / 1000;
}

globalThis.mistakesPage = { timeAction };
