/** Names of runs where there is little room: cut so that they still differ, and never inside a character. Pure. */

const LENGTH = 24;
const CHARACTERS = new Intl.Segmenter("en", { granularity: "grapheme" });
const WIDE = /\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u;

/** The characters as readers see them: an emoji or a letter with its accents is one. @param {string} text */
const charactersOf = (text) => Array.from(CHARACTERS.segment(text), ({ segment }) => segment);

/** How many letters a text is wide, roughly: an emoji is as wide as two. @param {string} text */
export function textWidth(text) {
  return charactersOf(text).reduce((width, character) => width + (WIDE.test(character) ? 2 : 1), 0);
}

/** The longest beginning of some characters that is at most as wide as some letters. @param {string[]} characters @param {number} width */
function fitting(characters, width) {
  let left = width;
  const end = characters.findIndex((character) => (left -= textWidth(character)) < 0);
  return end < 0 ? characters : characters.slice(0, end);
}

/** A name cut in its middle to a width that fits a legend: its end often says what is special. @param {string} name */
export function shorten(name, length = LENGTH) {
  if (textWidth(name) <= length) return name;
  const characters = charactersOf(name);
  const head = fitting(characters, Math.ceil((length - 1) / 2));
  const tail = fitting(characters.toReversed(), Math.floor((length - 1) / 2)).toReversed();
  return `${head.join("")}…${tail.join("")}`;
}

/**
 * Names cut so that names that differ still do: in the middle, or else around the place where they differ. Equal names are numbered.
 * @param {string[]} names @returns {string[]}
 */
export function distinctNames(names, length = LENGTH) {
  const counts = new Map();
  const numbered = names.map((name) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count > 1 ? `${name} (${count})` : name;
  });
  const shortened = numbered.map((name) => shorten(name, length));
  return numbered.map((name, i) => (isOnce(shortened[i], shortened) ? shortened[i] : aroundDifference(name, numbered, length)));
}

/** @param {string} name @param {string[]} names */
const isOnce = (name, names) => names.indexOf(name) === names.lastIndexOf(name);

/**
 * The part of a name in which it differs from the one that is most like it.
 * @param {string} name @param {string[]} names @param {number} length
 */
function aroundDifference(name, names, length) {
  const characters = charactersOf(name);
  const common = Math.max(...names.filter((other) => other !== name).map((other) => {
    const others = charactersOf(other);
    const first = characters.findIndex((character, i) => character !== others[i]);
    return first < 0 ? characters.length : first;
  }));
  const rest = characters.slice(Math.max(0, common - Math.floor(length / 4)));
  const shown = fitting(rest, length - 2).join("");
  return `${rest.length < characters.length ? "…" : ""}${shown}${shown.length < rest.join("").length ? "…" : ""}`;
}
