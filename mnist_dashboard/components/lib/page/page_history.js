/**
 * Keeps Back and Forward to pages that the reader has seen.
 *
 * A click on a link to another page drops the query, and Python puts the run back into the address. Streamlit makes an entry of
 * the history of each of the two addresses, so that the first press of Back would lead to the same page again. What is written
 * into the address of a page before the reader does anything there replaces its entry. So does a move within a view: nobody wants
 * to go back through every image that they looked at.
 */

const MOVES = ["step", "split", "cell", "image"]; // parameters of mnist_dashboard/ui/state/place.py

let isUntouched = true;

const push = history.pushState.bind(history);

/** An address without the place within the view. @param {URL} url */
function withoutMoves(url) {
  const view = new URL(url);
  for (const name of MOVES) view.searchParams.delete(name);
  view.searchParams.sort();
  return view.href;
}

/** @param {unknown} state @param {string} title @param {string|URL|null} [url] */
history.pushState = (state, title, url) => {
  const [here, next] = [new URL(location.href), new URL(url ?? location.href, location.href)];
  const isSamePage = next.pathname === here.pathname;
  if (isSamePage && (isUntouched || withoutMoves(next) === withoutMoves(here))) {
    history.replaceState(state, title, url);
    return;
  }
  push(state, title, url);
  if (!isSamePage) isUntouched = true;
};

for (const type of ["pointerdown", "keydown"]) addEventListener(type, () => { isUntouched = false; }, true);
