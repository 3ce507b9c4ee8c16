/** Requests for what the server knows of runs besides the live feed. Every error is one sentence that a page can show. */

// Relative to this file's address, /assets/<version>/components/lib/evaluations/requests.js
const ROOT = new URL("../../../../../", import.meta.url);

export class RequestError extends Error {
  /** @param {string} sentence @param {number} status of the response; 0 if there was none */
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

const BUSY = 503;
const MAX_TRIES = 4; // while the server is busy
const RETRY_MS = 400; // the first pause; each is twice as long as the one before

/**
 * The response to a request, which is repeated while the server is busy.
 * Raises `RequestError`, and the browser's `AbortError` when `options.signal` aborts.
 * @param {string} path below the root of the server @param {Record<string, string|number>} query @param {RequestInit} [options]
 */
export async function request(path, query, options) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  let response = await fetchOnce(url, options);
  for (let tries = 1; response.status === BUSY && tries < MAX_TRIES; tries++) {
    await new Promise((resolve) => { setTimeout(resolve, RETRY_MS * 2 ** (tries - 1)); });
    response = await fetchOnce(url, options);
  }
  if (response.ok) return response;
  const isSentence = response.headers.get("content-type")?.startsWith("text/plain");
  const sentence = isSentence ? (await response.text()).trim() : "";
  throw new RequestError(sentence || `The server could not answer (${response.status}).`, response.status);
}

/** @param {URL} url @param {RequestInit} [options] */
async function fetchOnce(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new RequestError("The server does not answer. This fills in when it is back.", 0);
  }
}

/** @param {string} path @param {Record<string, string|number>} query @param {RequestInit} [options] */
export async function requestJson(path, query, options) {
  return (await request(path, query, options)).json();
}

/** @param {string} path @param {Record<string, string|number>} query @returns {Promise<Uint8Array>} */
export async function requestBytes(path, query) {
  return new Uint8Array(await (await request(path, query)).arrayBuffer());
}

/** The sentence of an error, for the page. @param {unknown} error */
export function sentenceOf(error) {
  return error instanceof RequestError ? error.message : "This could not be shown. Reload the page.";
}
