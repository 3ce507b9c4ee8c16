/**
 * Hands out Plotly's library. It takes up to 0.7 s to start, so it starts when the page has drawn what it has. The page's document
 * has fetched it by then.
 */

/** @import { PlotlyLibrary } from "./plotly" */

const FILE = "plotly.min.js";
const MAX_WAIT_MS = 1000; // for the page to have nothing else to do
const LOAD_AGAIN_MS = 5000;

/** @type {Promise<PlotlyLibrary>|undefined} */
let plotly;

/** Plotly's library. Rejects if it cannot be loaded; five seconds later a call tries again. */
export function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    if (window.Plotly) {
      resolve(window.Plotly);
      return;
    }
    whenIdle(() => {
      const script = document.createElement("script");
      script.addEventListener("load", () => window.Plotly && resolve(window.Plotly));
      script.addEventListener("error", () => {
        script.remove();
        setTimeout(() => (plotly = undefined), LOAD_AGAIN_MS);
        reject(new Error("Plotly could not be loaded"));
      });
      script.src = new URL(`../../${FILE}`, import.meta.url).href;
      document.head.append(script);
    });
  });
  return plotly;
}

/** Safari has no idle callbacks. @param {() => void} act */
function whenIdle(act) {
  if (typeof requestIdleCallback === "function") requestIdleCallback(act, { timeout: MAX_WAIT_MS });
  else setTimeout(act);
}
