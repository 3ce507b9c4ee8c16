/**
 * Asks Python to draw this page again, for what the page was told and the reader did not do.
 *
 * Until the server has begun with the page of a link, Streamlit sends every request for the page that is still there, and the
 * last request counts: asked in that time, the page would stay, and the reader's click be lost. So nothing is asked then;
 * the next page is drawn from the newest state anyway.
 */
const LEAVING_MS = 10_000; // by then the click has failed: the page stays, and has to follow again

let left = null;

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const opensHere = link && !link.target.includes("_blank") && !(event.ctrlKey || event.metaKey || event.shiftKey);
  if (opensHere && link.origin === location.origin && link.pathname !== location.pathname) {
    left = { pathname: location.pathname, at: Date.now() };
  }
}, true);

const isLeaving = () => left !== null && left.pathname === location.pathname && Date.now() - left.at < LEAVING_MS;

/** Ask, unless the reader is on the way to another page; whether it was asked. Python is given the value as `changed`. */
export function askForRerun(host, value) {
  if (isLeaving()) return false;
  host.setTriggerValue("changed", value);
  return true;
}
