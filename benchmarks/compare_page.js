/** What `compare_page.py` does in the page, timed there: from an act to the frame in which the reader sees what came of it. */
window.measured = (() => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const box = () => document.querySelector(".mt-table-box");
  const rows = () => [...document.querySelectorAll(".mt-table tbody tr[data-run]")];
  const charts = () => [...document.querySelectorAll(".js-plotly-plot")];
  const tick = (row, withShift = false) =>
    row.querySelector("input").dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: withShift }));

  /** Seconds from `act` until `done()`, and the frame after that. */
  async function until(act, done) {
    const began = performance.now();
    act();
    while (!done()) {
      if (performance.now() - began > 30000) throw new Error(`not within 30 s: ${done}`);
      await frame();
    }
    await frame();
    return (performance.now() - began) / 1000;
  }

  /** All charts show these runs, each as a line that is drawn. */
  const drawn = (ids) => charts().length === 2 && charts().every((chart) =>
    ids.every((id) => chart.data?.some((trace) => trace.uid === `${id}-smooth` && trace.x.length > 0))
    && chart.querySelectorAll(".scatterlayer path.js-line").length >= ids.length);

  const rest = () => until(() => {}, () => charts().length === 2 && charts().every((chart) => !chart.data?.some((trace) => trace.x?.length)));

  return {
    /** Tick the first `count` rows from number `from` on, at once; afterwards none is ticked. */
    async overlay(from, count) {
      box().scrollTop = from * 33;
      await frame();
      await frame();
      const reach = box().getBoundingClientRect().top + 120;
      const first = rows().findIndex((row) => row.getBoundingClientRect().top > reach);
      const chosen = rows().slice(first, first + count);
      const seconds = await until(() => {
        tick(chosen[0]);
        if (count > 1) tick(chosen.at(-1), true);
      }, () => drawn(chosen.map((row) => row.dataset.run)));
      [...document.querySelectorAll(".mt-bar button")].find((button) => button.textContent === "Clear selection").click();
      await rest();
      return seconds;
    },

    /** Click a column's title. */
    async sort(title) {
      box().scrollTop = 0;
      await frame();
      const before = rows()[0].dataset.run;
      const button = [...document.querySelectorAll(".mt-table thead button")].find((one) => one.textContent.startsWith(title));
      return until(() => button.click(), () => rows()[0].dataset.run !== before);
    },

    /** Type into the search field at the top. */
    async search(text) {
      const field = document.querySelector(".mt-bar-search");
      const count = document.querySelector(".mt-bar-count");
      const before = count.textContent;
      return until(() => {
        field.value = text;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }, () => count.textContent !== before);
    },
  };
})();
