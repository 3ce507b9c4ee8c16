/** Small helpers for building pages out of text: nothing here, or anywhere, turns text into HTML. */

const TEXT_NODE = 3; // a constant of Node

/**
 * An element with a class, attributes and children; strings become text.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {Record<string, string>} [attributes]
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, className = "", attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Set a text only if it differs: unchanged text is neither laid out nor read aloud again. The text node stays: with a new one,
 * the browser evaluates every `:has()` in the style sheets again, which takes ten times as long.
 * @param {Node} element @param {string} text
 */
export function setText(element, text) {
  const { firstChild } = element;
  if (firstChild?.nodeType === TEXT_NODE && !firstChild.nextSibling) {
    if (firstChild.nodeValue !== text) firstChild.nodeValue = text;
  } else if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** @param {Element} element @param {string} name @param {string|null} value null removes the attribute */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
