/**
 * When the live parts of a page are drawn: all in one frame, at most four times a second, and less often where a frame costs much.
 * Training may run on the same cores, and its threads wait for each other whenever one of them has to wait for the browser.
 */

const INTERVAL_MS = 250;
const MAX_INTERVAL_MS = 320; // so that a batch is on the screen within half a second
const MAX_SHARE = 0.04; // of the time, for drawing

/** @type {Set<() => void>} */
const waiting = new Set();
let isScheduled = false;
let drawnAt = -Infinity;
let interval = INTERVAL_MS;

/** Draw together with everything else that changes, soon. Asking again before that changes nothing. @param {() => void} draw */
export function drawSoon(draw) {
  waiting.add(draw);
  if (isScheduled) return;
  isScheduled = true;
  setTimeout(() => requestAnimationFrame(drawAll), Math.max(0, drawnAt + interval - performance.now()));
}

/** @param {() => void} draw that is no longer wanted */
export function forgetDrawing(draw) {
  waiting.delete(draw);
}

function drawAll() {
  isScheduled = false;
  drawnAt = performance.now();
  const draws = [...waiting];
  waiting.clear();
  for (const draw of draws) {
    try {
      draw();
    } catch (error) {
      reportError(error); // the others are drawn
    }
  }
  // This runs after the browser has laid out and painted the frame.
  setTimeout(() => {
    const cost = performance.now() - drawnAt;
    interval = Math.min(MAX_INTERVAL_MS, Math.max(INTERVAL_MS, cost / MAX_SHARE));
  });
}
