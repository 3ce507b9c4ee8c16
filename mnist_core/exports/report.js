// Draws the report from the JSON beside it. Everything that people wrote is set as text, never as HTML.
const content = JSON.parse(document.getElementById("content").textContent);
const colors = ["#2f6fde", "#d9641f", "#2a9d5c", "#b03a8c", "#7a5cd0", "#c29a14", "#1a9aa8", "#c23b3b"];
const dark = matchMedia("(prefers-color-scheme: dark)").matches;

function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

// Plotly reads a little HTML in names: what could be a tag is shown as it is.
function plain(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function number(value, name) {
  if (value === null || value === undefined) return "–";
  if (name.includes("accuracy")) return `${(100 * value).toFixed(2)} %`;
  if (name.includes("loss")) return value.toFixed(4);
  return value.toFixed(name.includes("seconds") ? 1 : 0);
}

function chart(id, title, format) {
  const traces = content.runs.flatMap((run, index) => {
    const color = colors[index % colors.length];
    const name = plain(run.name);
    const curve = run.curves[id];
    const tested = run.evaluations.filter((one) => one.split === "test");
    return [
      { x: curve.step, y: curve.mean, name, mode: "lines", line: { color, width: 1.5 }, legendgroup: name },
      {
        x: tested.map((one) => one.step), y: tested.map((one) => one[id]), name: `${name}, test`, mode: "markers",
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
  Plotly.newPlot(id, traces, layout, { responsive: true, displaylogo: false });
}

function table() {
  const settings = Object.keys(content.settings)
    .filter((name) => new Set(content.runs.map((run) => run.settings[name])).size > 1);
  const head = element("tr");
  const titles = [...settings.map((name) => content.settings[name]), ...Object.values(content.metrics)];
  for (const title of ["Run", "Status", "Dataset", ...titles]) head.append(element("th", title));
  document.getElementById("table").append(head);
  const best = Math.max(...content.runs.map((run) => run.metrics.test_accuracy ?? -1));
  for (const run of content.runs) {
    const row = element("tr");
    for (const text of [run.name, run.status, run.dataset]) row.append(element("td", text));
    for (const name of settings) row.append(element("td", String(run.settings[name])));
    for (const name of Object.keys(content.metrics)) {
      const isBest = name === "test_accuracy" && run.metrics[name] === best;
      row.append(element("td", number(run.metrics[name], name), isBest ? "best" : ""));
    }
    document.getElementById("table").append(row);
  }
}

function details() {
  for (const run of content.runs) {
    const made = run.provenance;
    const list = element("dl");
    const lines = made ? {
      Commit: made.commit ? made.commit + (made.is_dirty ? " and uncommitted changes" : "") : "not a checkout",
      Packages: Object.entries(made.packages).map((pair) => pair.join(" ")).join(", "),
      Machine: `${made.processor}, ${made.platform}, Python ${made.python}`,
      Computed: `on ${made.device} in ${made.precision} with ${made.threads} threads, seed ${made.seed}`,
      Dataset: `${made.dataset}, SHA-256 ${made.dataset_checksum}`,
      "Train again": made.command,
    } : {};
    if (run.tags.length) lines.Tags = run.tags.join(", ");
    for (const [term, text] of Object.entries(lines)) list.append(element("dt", term), element("dd", text));
    document.getElementById("details").append(element("h2", run.name), element("p", run.notes, "notes"), list);
  }
}

const count = content.runs.length === 1 ? "1 run" : `${content.runs.length} runs`;
document.getElementById("made").textContent = `${count}, written ${new Date(content.made).toLocaleString()}`;
chart("loss", "Training loss", ".3~g");
chart("accuracy", "Training accuracy, and on test images", ".1~%");
table();
details();
