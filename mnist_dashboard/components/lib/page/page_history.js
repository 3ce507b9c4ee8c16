/**
 * Keeps Back and Forward to pages that the reader has seen.
 *
 * A click on a link to another page drops the query, and Python puts the run back into the address. Streamlit makes an entry of
 * the history of each of the two addresses, so that the first press of Back would lead to the same page again. What is written
 * into the address of a page before the reader does anything there replaces its entry.
 */

let isUntouched = true;

const push = history.pushState.bind(history);

/** @param {unknown} state @param {string} title @param {string|URL|null} [url] */
history.pushState = (state, title, url) => {
  const isSamePage = new URL(url ?? location.href, location.href).pathname === location.pathname;
  if (isSamePage && isUntouched) {
    history.replaceState(state, title, url);
    return;
  }
  push(state, title, url);
  if (!isSamePage) isUntouched = true;
};

for (const type of ["pointerdown", "keydown"]) addEventListener(type, () => { isUntouched = false; }, true);
