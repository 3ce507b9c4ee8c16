/** Hands out Plotly's library. The page's document loads it early: most of the time that it takes to start passes meanwhile. */

/** @import { PlotlyLibrary } from "./plotly" */

const FILE = "plotly.min.js";
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
    const script = scriptOfDocument() ?? newScript();
    script.addEventListener("load", () => window.Plotly && resolve(window.Plotly));
    script.addEventListener("error", () => {
      script.remove();
      setTimeout(() => (plotly = undefined), LOAD_AGAIN_MS);
      reject(new Error("Plotly could not be loaded"));
    });
  });
  return plotly;
}

/**
 * The script that the document loads, while it does: once the document is complete, this script has failed.
 * @returns {HTMLScriptElement|null}
 */
function scriptOfDocument() {
  return document.readyState === "complete" ? null : document.querySelector(`script[src$="/${FILE}"]`);
}

function newScript() {
  const script = document.createElement("script");
  script.src = new URL(`../../${FILE}`, import.meta.url).href;
  document.head.append(script);
  return script;
}
