/** Actions of `compare_page.py` in the page, timed there: from an action to the frame that shows its result. */
window.runsPage = (() => {
  const ROW_HEIGHT = 33;
  const STICKY_HEIGHT = 120;
  const TIMEOUT_MS = 30000;

  const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const tableBox = () => document.querySelector(".mt-table-box");
  const tableRows = () => [...document.querySelectorAll(".mt-table tbody tr[data-run]")];
  const charts = () => [...document.querySelectorAll(".js-plotly-plot")];
  const clickCheckbox = (row, shiftKey = false) =>
    row.querySelector("input").dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey }));

  /** Seconds from `act` to the first frame after `isDone()`. */
  async function secondsUntil(act, isDone) {
    const began = performance.now();
    act();
    while (!isDone()) {
      if (performance.now() - began > TIMEOUT_MS) throw new Error(`not within ${TIMEOUT_MS} ms: ${isDone}`);
      await nextFrame();
    }
    await nextFrame();
    return (performance.now() - began) / 1000;
  }

  /** Whether both charts show a drawn line of each of these runs. */
  const areDrawn = (runIds) => charts().length === 2 && charts().every((chart) =>
    runIds.every((id) => chart.data?.some((trace) => trace.uid === `${id}-smooth` && trace.x.length > 0))
    && chart.querySelectorAll(".scatterlayer path.js-line").length >= runIds.length);

  const areEmpty = () => charts().length === 2
    && charts().every((chart) => !chart.data?.some((trace) => trace.x?.length));

  return {
    /** Select `count` rows at once, scrolled to row number `from`; afterwards clear the selection. */
    async overlay(from, count) {
      tableBox().scrollTop = from * ROW_HEIGHT;
      await nextFrame();
      await nextFrame();
      const visibleTop = tableBox().getBoundingClientRect().top + STICKY_HEIGHT;
      const first = tableRows().findIndex((row) => row.getBoundingClientRect().top > visibleTop);
      const rows = tableRows().slice(first, first + count);
      const seconds = await secondsUntil(() => {
        clickCheckbox(rows[0]);
        if (count > 1) clickCheckbox(rows.at(-1), true);
      }, () => areDrawn(rows.map((row) => row.dataset.run)));
      const buttons = [...document.querySelectorAll(".mt-bar button")];
      buttons.find((button) => button.textContent === "Clear selection").click();
      await secondsUntil(() => {}, areEmpty);
      return seconds;
    },

    /** Click the title of a column. */
    async sort(title) {
      tableBox().scrollTop = 0;
      await nextFrame();
      const firstRun = tableRows()[0].dataset.run;
      const buttons = [...document.querySelectorAll(".mt-table thead button")];
      const button = buttons.find((candidate) => candidate.textContent.startsWith(title));
      return secondsUntil(() => button.click(), () => tableRows()[0].dataset.run !== firstRun);
    },

    /** Type into the search field above the table. */
    async search(text) {
      const field = document.querySelector(".mt-bar-search");
      const count = document.querySelector(".mt-bar-count");
      const previousCount = count.textContent;
      return secondsUntil(() => {
        field.value = text;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }, () => count.textContent !== previousCount);
    },
  };
})();
