// Draws the report from the JSON beside it. Everything that people wrote is set as text, never as HTML.

/**
 * @typedef {"loss"|"accuracy"} CurveName
 * @typedef {(number|null)[]} Points
 * @typedef {object} ReportRun
 * @property {string} name
 * @property {string} notes
 * @property {string} reason
 * @property {Record<string, string>} facts
 * @property {Record<string, number|null>} times seconds since 1970
 * @property {Record<string, string>} settings
 * @property {[string, string][]} changes
 * @property {Record<string, string>} environment
 * @property {string} command
 * @property {Record<CurveName, {step: number[], low: Points, high: Points, smooth: Points}>} curves
 * @property {({split: string, step: number} & Record<CurveName, number|null>)[]} evaluations
 * @property {{title: string, counts: number[][]}|null} matrix
 *
 * @typedef {object} Content
 * @property {number} written_at seconds since 1970
 * @property {{sentence: string, notes: string[], rows: string[][]}|null} verdict
 * @property {string} key of the lines in the charts
 * @property {Record<CurveName|"step"|"environment"|"settings"|"changes"|"train_again", string>} titles
 * @property {{titles: string[], rows: string[][], best: boolean[], best_column: number}} table
 * @property {ReportRun[]} runs
 */

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {Content} */
const content = JSON.parse(byId("content").textContent ?? "");
const { titles } = content;

const COLORS = {
  light: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#1B232C"],
  dark: ["#56B4E9", "#E69F00", "#2BC59A", "#CC79A7", "#F07C32", "#F0E442", "#E6EBF0"],
};
const INK = { light: "#1B232C", dark: "#E6EBF0" };
const GRID = { light: "#E3E8ED", dark: "#28313B" };
const DASHES = ["solid", "dash", "longdashdot"];
const SHORT_STEPS = 2; // a curve of fewer points is invisible as a line

/** @param {string} tag @param {string} [text] @param {string} [className] */
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

/** Local time with its zone. @param {number|null} seconds since 1970 */
function formatTime(seconds) {
  if (seconds === null) return "–";
  const date = { year: "numeric", month: "short", day: "numeric" };
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" };
  return new Date(seconds * 1000).toLocaleString("en", /** @type {Intl.DateTimeFormatOptions} */ ({ ...date, ...time }));
}

/** @param {ReportRun} run @param {number} index @param {CurveName} id @param {"light"|"dark"} theme */
function tracesOf(run, index, id, theme) {
  const color = COLORS[theme][index % COLORS[theme].length];
  const dash = DASHES[Math.floor(index / COLORS[theme].length) % DASHES.length];
  const name = escaped(run.name);
  const { step, low, high, smooth } = run.curves[id];
  const isOnly = content.runs.length === 1;
  const common = { name, hovertemplate: id === "loss" ? "%{y:.4g}" : "%{y:.2%}", ...(!isOnly && { legendgroup: String(index) }) };
  /** @param {string} split */
  const evaluations = (split) => {
    const chosen = run.evaluations.filter((evaluation) => evaluation.split === split);
    return { x: chosen.map((evaluation) => evaluation.step), y: chosen.map((evaluation) => evaluation[id]) };
  };
  const raw = { // up and down within each bucket, as all batches would draw it
    x: step.flatMap((x) => [x, x]), y: step.flatMap((_, i) => [low[i], high[i]]), mode: "lines", hoverinfo: "skip",
    line: { color, width: 1 }, opacity: 0.25, showlegend: false,
  };
  return [
    ...(isOnly ? [raw] : []),
    {
      x: step, y: smooth, ...common, mode: step.length < SHORT_STEPS ? "markers" : "lines",
      line: { color, width: 2, dash }, marker: { color },
    },
    {
      ...evaluations("validation"), ...common, name: `${name}, validation`, mode: "lines+markers", showlegend: isOnly,
      line: { color, width: 1.5, dash: "dot" }, marker: { color, size: 6, symbol: "circle" },
    },
    {
      ...evaluations("test"), ...common, name: `${name}, test`, mode: "markers", showlegend: isOnly,
      marker: { color, size: 10, symbol: "diamond" },
    },
  ];
}

/** @param {CurveName} id @param {"light"|"dark"} theme */
function drawChart(id, theme) {
  const traces = content.runs.flatMap((run, index) => tracesOf(run, index, id, theme));
  const axis = { gridcolor: GRID[theme], zeroline: false };
  const layout = {
    title: { text: titles[id], x: 0, xref: "paper", font: { size: 15 } }, font: { color: INK[theme] },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x unified",
    hoverlabel: { bgcolor: theme === "dark" ? "#1A2129" : "#FFFFFF", font: { color: INK[theme] } },
    margin: { l: 60, r: 10, t: 40, b: 40 }, legend: { orientation: "h", y: -0.2 },
    xaxis: { ...axis, title: { text: titles.step, standoff: 4 } },
    yaxis: { ...axis, tickformat: id === "loss" ? ".3~g" : ".1~%", ...(id === "loss" && { type: "log", dtick: "D2" }) },
  };
  window.Plotly?.newPlot(id, traces, layout, { responsive: true, displaylogo: false });
}

/** @param {"light"|"dark"} theme */
function drawCharts(theme) {
  drawChart("loss", theme);
  drawChart("accuracy", theme);
}

/** @param {string[][]} rows the first has the titles */
function tableOf([head, ...rows]) {
  const table = element("table");
  const line = element("tr");
  for (const title of head) line.append(element("th", title));
  table.append(line);
  for (const row of rows) {
    const body = element("tr");
    for (const text of row) body.append(element("td", text));
    table.append(body);
  }
  return table;
}

/** The elements as the body of the section `id`. @param {string} id @param {...Element} elements */
function show(id, ...elements) {
  byId(id).hidden = false;
  byId(id).append(...elements);
}

function drawVerdict() {
  if (!content.verdict) return;
  const { sentence, notes, rows } = content.verdict;
  show("verdict", element("p", sentence, "sentence"), ...notes.map((note) => element("p", note, "muted")));
  if (rows.length) {
    const scroll = element("div", "", "scroll");
    scroll.append(tableOf(rows));
    show("verdict", scroll);
  }
}

function drawTable() {
  const { titles: head, rows, best, best_column: column } = content.table;
  const table = tableOf([head, ...rows]);
  best.forEach((isBest, i) => {
    if (isBest) table.children[i + 1].children[column].className = "best";
  });
  byId("table").append(...table.childNodes);
}

/** @param {Record<string, string>|[string, string][]} facts */
function listOf(facts) {
  const list = element("dl");
  const entries = Array.isArray(facts) ? facts : Object.entries(facts);
  for (const [term, text] of entries) list.append(element("dt", term), element("dd", text));
  return list;
}

/** A heading and what it heads. @param {string} title @param {...Element} elements */
function part(title, ...elements) {
  const box = element("div");
  box.append(element("h3", title), ...elements);
  return box;
}

/** Cells tinted by their share of the true digit: right ones in one colour, mistakes in another. @param {number[][]} counts */
function matrixOf(counts) {
  const head = ["", ...counts.map((_, digit) => String(digit))];
  const table = tableOf([head, ...counts.map((row, digit) => [String(digit), ...row.map((count) => (count ? String(count) : ""))])]);
  table.className = "matrix";
  counts.forEach((row, digit) => {
    const total = row.reduce((sum, count) => sum + count, 0) || 1;
    row.forEach((count, predicted) => {
      const isRight = digit === predicted;
      const strength = isRight ? 0.35 * (count / total) : Math.min(0.7, 12 * (count / total));
      const cell = /** @type {HTMLElement} */ (table.children[digit + 1].children[predicted + 1]);
      if (count) cell.style.background = `rgba(var(--${isRight ? "right" : "wrong"}), ${strength.toFixed(3)})`;
    });
    const label = element("th", String(digit));
    table.children[digit + 1].children[0].replaceWith(label);
  });
  table.prepend(element("caption", "Rows: true digit. Columns: predicted digit."));
  return table;
}

/** @param {ReportRun} run */
function drawRun(run) {
  const times = Object.entries(run.times).map(([label, seconds]) => /** @type {[string, string]} */ ([label, formatTime(seconds)]));
  const columns = element("div", "", "columns");
  columns.append(part("Results", listOf([...Object.entries(run.facts), ...times])), part(titles.settings, listOf(run.settings)));
  if (run.matrix) columns.append(part(run.matrix.title, matrixOf(run.matrix.counts)));
  if (run.changes.length) columns.append(part(titles.changes, listOf(run.changes)));
  show("details", element("h2", run.name));
  if (run.reason) show("details", element("p", run.reason));
  if (run.notes) show("details", element("p", run.notes, "notes"));
  show("details", columns);
  if (!run.command) return;
  show("details", part(titles.environment, listOf(run.environment)), part(titles.train_again, element("code", run.command)));
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const drawForScreen = () => drawCharts(dark.matches ? "dark" : "light");
const count = content.runs.length === 1 ? "1 run" : `${content.runs.length} runs`;
byId("made").textContent = `${count}, written ${formatTime(content.written_at)}`;
byId("key").textContent = content.key;
drawForScreen();
dark.addEventListener("change", drawForScreen);
addEventListener("beforeprint", () => drawCharts("light")); // paper is white
addEventListener("afterprint", drawForScreen);
drawVerdict();
drawTable();
content.runs.forEach(drawRun);
