/**
 * Keeps values in this browser's cookies, so that the server knows them when a page opens. It draws nothing.
 *
 * A cookie is written only when its value has changed in this tab: otherwise a tab that is merely redrawn would overwrite
 * what another tab has written since.
 */

/** @typedef {{cookies: Record<string, string>, path: string}} BrowserMemoryData */

const YEAR_SECONDS = 365 * 24 * 3600;

/** The last value of each cookie in this tab; it outlives the component, which leaves and returns with pages. */
const written = new Map();

/** @param {BrowserMemoryData} data */
function write({ cookies, path }) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  for (const [name, value] of Object.entries(cookies)) {
    if (written.get(name) === value) continue;
    written.set(name, value);
    document.cookie = `${name}=${value}; Path=${path}; Max-Age=${YEAR_SECONDS}; SameSite=Strict${secure}`;
  }
}

/** @param {HTMLElement} _root @param {BrowserMemoryData} data */
export function mount(_root, data) {
  write(data);
  return { update: write, destroy() {} };
}
