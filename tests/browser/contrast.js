/** Finds texts of a page that contrast too little with their ground: below 4.5, or 3 for large texts (WCAG 2, 1.4.3). */

/** @typedef {[red: number, green: number, blue: number, opacity: number]} Color */

/** @returns {string[]} one line a text, with its contrast */
export function lowContrast() {
  const canvas = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  /** @type {Map<string, Color>} */
  const known = new Map();

  /** Any CSS colour, as a canvas paints it. @param {string} text @returns {Color} */
  function parse(text) {
    const before = known.get(text);
    if (before) return before;
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = text;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    /** @type {Color} */
    const color = [red, green, blue, alpha / 255];
    known.set(text, color);
    return color;
  }

  /** @param {Color} top @param {Color} bottom @returns {Color} */
  function blend(top, bottom) {
    const [red, green, blue] = [0, 1, 2].map((k) => top[k] * top[3] + bottom[k] * (1 - top[3]));
    return [red, green, blue, 1];
  }

  /** @param {Color} color */
  function luminance(color) {
    const [red, green, blue] = color.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  /** @param {Element} element @returns {Color} */
  function groundOf(element) {
    /** @type {Color[]} */
    const layers = [];
    for (let node = /** @type {Element|null} */ (element); node; node = node.parentElement) {
      const color = parse(getComputedStyle(node).backgroundColor);
      layers.unshift(color);
      if (color[3] === 1) break;
    }
    return layers.reduce((ground, layer) => blend(layer, ground), /** @type {Color} */ ([255, 255, 255, 1]));
  }

  /** @param {Element} element @param {string} text @param {CSSStyleDeclaration} style @param {string} color */
  function problem(element, text, style, color) {
    const ground = groundOf(element);
    const [red, green, blue, alpha] = parse(color);
    const ink = blend([red, green, blue, alpha * Number(style.opacity)], ground);
    const [dark, light] = [luminance(ink), luminance(ground)].sort((a, b) => a - b);
    const contrast = (light + 0.05) / (dark + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    return contrast < (isLarge ? 3 : 4.5) ? `${contrast.toFixed(2)}: ${text.slice(0, 40)}` : null;
  }

  /** @param {Text} node */
  function problemOfText(node) {
    const text = node.data.trim();
    const element = node.parentElement;
    const isShown = element?.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const isExempt = element?.closest("style, script, option, [disabled], [aria-disabled=true], label:has(:disabled), .mt-visually-hidden");
    if (!text || !element || !isShown || isExempt) return null;
    const style = getComputedStyle(element);
    return problem(element, text, style, element instanceof SVGElement ? style.fill : style.color);
  }

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const problems = [];
  while (walker.nextNode()) problems.push(problemOfText(/** @type {Text} */ (walker.currentNode)));
  for (const field of document.querySelectorAll("input[placeholder]")) {
    if (!(field instanceof HTMLInputElement) || field.value || field.disabled || !field.checkVisibility()) continue;
    const style = getComputedStyle(field, "::placeholder");
    problems.push(problem(field, field.placeholder, style, style.color));
  }
  return [...new Set(problems.filter((line) => line !== null))];
}
