/**
 * Loads Plotly's library once a page. The page's document runs this module, too: most of the time that the library takes to start
 * passes while the page waits for the server.
 */

/** @import { PlotlyLibrary } from "./plotly" */

const LOAD_AGAIN_MS = 5000;

/** @type {Promise<PlotlyLibrary>|undefined} */
let plotly;

/** Plotly's library. Rejects if it cannot be loaded; five seconds later a call tries again. */
export function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../../plotly.min.js", import.meta.url).href;
    script.onload = () => window.Plotly && resolve(window.Plotly);
    script.onerror = () => {
      setTimeout(() => (plotly = undefined), LOAD_AGAIN_MS);
      reject(new Error("Plotly could not be loaded"));
    };
    document.head.append(script);
  });
  return plotly;
}

// At the first pause, so that it does not delay what the page starts with.
requestIdleCallback(() => loadPlotly().catch(() => {})); // a chart that needs it says so
