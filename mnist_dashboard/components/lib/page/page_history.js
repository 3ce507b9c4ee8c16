/**
 * Keeps Back and Forward to pages that the reader has seen.
 *
 * A click on a link to another page drops the query, and Python puts the run back into the address. Streamlit makes an entry of
 * the history of each of the two addresses, so that the first press of Back would lead to the same page again. What is written
 * into the address of a page before the reader does anything there replaces its entry. So does a move within a view: nobody wants
 * to go back through every image that they looked at.
 *
 * Streamlit may receive the address of the next page while it still shows this one. It writes that address again when it turns to
 * the next page, so nothing is written before: Back would lead to this page with the view of another address.
 */

const MOVES = ["step", "split", "cell", "image"]; // parameters of mnist_dashboard/ui/state/place.py

const LEAVING_MS = 10_000; // by then the click has failed: the page stays

let isUntouched = true;

/** @type {{pathname: string, at: number}|null} */
let departure = null;

const push = history.pushState.bind(history);
const replace = history.replaceState.bind(history);

/** Whether the reader has clicked a link to another page, and this one is still there. */
export const isLeaving = () => departure?.pathname === location.pathname && Date.now() - departure.at < LEAVING_MS;

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
  if (isSamePage && isLeaving()) return;
  if (isSamePage && (isUntouched || withoutMoves(next) === withoutMoves(here))) {
    replace(state, title, url);
    return;
  }
  push(state, title, url);
  if (!isSamePage) isUntouched = true;
};

history.replaceState = (state, title, url) => {
  const isSamePage = new URL(url ?? location.href, location.href).pathname === location.pathname;
  if (!(isSamePage && isLeaving())) replace(state, title, url);
};

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element && /** @type {HTMLAnchorElement|null} */ (event.target.closest("a[href]"));
  const opensHere = link && !link.target.includes("_blank") && !(event.ctrlKey || event.metaKey || event.shiftKey);
  if (opensHere && link.origin === location.origin && link.pathname !== location.pathname) {
    departure = { pathname: location.pathname, at: Date.now() };
  }
}, true);

for (const type of ["pointerdown", "keydown"]) addEventListener(type, () => { isUntouched = false; }, true);
