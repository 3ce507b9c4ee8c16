// Draws the report from the JSON beside it. Everything that people wrote is set as text, never as HTML.

/**
 * @typedef {object} ReportRun
 * @property {string} name
 * @property {string} status
 * @property {string} dataset
 * @property {string} notes
 * @property {string[]} tags
 * @property {Record<string, unknown>} settings
 * @property {Record<string, number|null>} metrics
 * @property {Record<string, any>|null} provenance
 * @property {Record<CurveName, {step: number[], mean: (number|null)[]}>} curves
 * @property {({split: string, step: number} & Record<CurveName, number|null>)[]} evaluations
 * @typedef {"loss"|"accuracy"} CurveName
 */

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {{made: string, metrics: Record<string, string>, settings: Record<string, string>, runs: ReportRun[]}} */
const content = JSON.parse(byId("content").textContent ?? "");
const colors = ["#2f6fde", "#d9641f", "#2a9d5c", "#b03a8c", "#7a5cd0", "#c29a14", "#1a9aa8", "#c23b3b"];
const dark = matchMedia("(prefers-color-scheme: dark)").matches;

/** @param {string} tag */
function element(tag, text = "", className = "") {
  const created = document.createElement(tag);
  created.textContent = text;
  created.className = className;
  return created;
}

/** Text for Plotly, which renders a subset of HTML. @param {string} text */
function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** @param {number|null} value @param {string} name of the metric */
function formatMetric(value, name) {
  if (value === null) return "–";
  if (name.includes("accuracy")) return `${(100 * value).toFixed(2)} %`;
  if (name.includes("loss")) return value.toFixed(4);
  return value.toFixed(name.includes("seconds") ? 1 : 0);
}

/** @param {CurveName} id @param {string} title @param {string} format of the ticks */
function drawChart(id, title, format) {
  const traces = content.runs.flatMap((run, index) => {
    const color = colors[index % colors.length];
    const name = escaped(run.name);
    const curve = run.curves[id];
    const tests = run.evaluations.filter(({ split }) => split === "test");
    return [
      { x: curve.step, y: curve.mean, name, mode: "lines", line: { color, width: 1.5 }, legendgroup: name },
      {
        x: tests.map(({ step }) => step), y: tests.map((test) => test[id]), name: `${name}, test`, mode: "markers",
        marker: { color, size: 9, symbol: "diamond" }, legendgroup: name, showlegend: false,
      },
    ];
  });
  const ink = dark ? "#fafafa" : "#31333f";
  const grid = dark ? "#33363f" : "#e3e4e8";
  const layout = {
    title: { text: title, x: 0 }, font: { color: ink }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    hovermode: "x unified", margin: { l: 60, r: 10, t: 40, b: 40 }, legend: { orientation: "h", y: -0.25 },
    xaxis: { title: { text: "Step", standoff: 4 }, gridcolor: grid }, yaxis: { tickformat: format, gridcolor: grid },
  };
  window.Plotly?.newPlot(id, traces, layout, { responsive: true, displaylogo: false });
}

function drawTable() {
  const settings = Object.keys(content.settings)
    .filter((name) => new Set(content.runs.map((run) => run.settings[name])).size > 1);
  const head = element("tr");
  const titles = [...settings.map((name) => content.settings[name]), ...Object.values(content.metrics)];
  for (const title of ["Run", "Status", "Dataset", ...titles]) head.append(element("th", title));
  byId("table").append(head);
  const best = Math.max(...content.runs.map((run) => run.metrics.test_accuracy ?? -1));
  for (const run of content.runs) {
    const row = element("tr");
    for (const text of [run.name, run.status, run.dataset]) row.append(element("td", text));
    for (const name of settings) row.append(element("td", String(run.settings[name])));
    for (const name of Object.keys(content.metrics)) {
      const isBest = name === "test_accuracy" && run.metrics[name] === best;
      row.append(element("td", formatMetric(run.metrics[name], name), isBest ? "best" : ""));
    }
    byId("table").append(row);
  }
}

function drawDetails() {
  for (const run of content.runs) {
    const { provenance } = run;
    const list = element("dl");
    /** @type {Record<string, string>} */
    const lines = provenance ? {
      Commit: provenance.commit ? provenance.commit + (provenance.is_dirty ? " and uncommitted changes" : "") : "not a checkout",
      Packages: Object.entries(provenance.packages).map((pair) => pair.join(" ")).join(", "),
      Machine: `${provenance.processor}, ${provenance.platform}, Python ${provenance.python}`,
      Computed: `on ${provenance.device} in ${provenance.precision} with ${provenance.threads} threads, seed ${provenance.seed}`,
      Dataset: `${provenance.dataset}, SHA-256 ${provenance.dataset_checksum}`,
      "Train again": provenance.command,
    } : {};
    if (run.tags.length) lines.Tags = run.tags.join(", ");
    for (const [term, text] of Object.entries(lines)) list.append(element("dt", term), element("dd", text));
    byId("details").append(element("h2", run.name), element("p", run.notes, "notes"), list);
  }
}

const count = content.runs.length === 1 ? "1 run" : `${content.runs.length} runs`;
byId("made").textContent = `${count}, written ${new Date(content.made).toLocaleString()}`;
drawChart("loss", "Training loss", ".3~g");
drawChart("accuracy", "Training accuracy, and on test images", ".1~%");
drawTable();
drawDetails();
