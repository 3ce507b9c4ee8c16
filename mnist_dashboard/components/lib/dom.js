/** Small helpers for building pages out of text: nothing here, or anywhere, turns text into HTML. */

/**
 * An element with a class, attributes and children; strings become text.
 * @param {string} tag @param {string} [className] @param {Object<string, string>} [attributes] @param {...(Node|string)} children
 */
export function make(tag, className = "", attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Set a text only if it differs: what has not changed is neither laid out again nor read aloud again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
