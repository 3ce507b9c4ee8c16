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

/**
 * The response to a request. Raises `RequestError`, and the browser's `AbortError` when `options.signal` aborts.
 * @param {string} path below the root of the server @param {Record<string, string|number>} query @param {RequestInit} [options]
 */
export async function request(path, query, options) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new RequestError("The server does not answer. This fills in when it is back.", 0);
  }
  if (response.ok) return response;
  const isSentence = response.headers.get("content-type")?.startsWith("text/plain");
  const sentence = isSentence ? (await response.text()).trim() : "";
  throw new RequestError(sentence || `The server could not answer (${response.status}).`, response.status);
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
