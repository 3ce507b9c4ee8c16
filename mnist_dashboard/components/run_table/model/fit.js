/** Fits the widths of columns to the width of the table's box. Pure. */

/**
 * @typedef {{width: number, least: number, grows: boolean}} Wish
 * a column's width, what it can shrink to, and whether it takes spare room
 */

/**
 * The widths, in sum as wide as the box: columns with room to give shrink, the last ones first. If that is not enough all keep
 * their width and the table scrolls sideways.
 * @param {Wish[]} wishes @param {number} room
 */
export function fitWidths(wishes, room) {
  const widths = wishes.map(({ width }) => width);
  const missing = widths.reduce((sum, width) => sum + width, 0) - room;
  if (missing > 0) return shrink(wishes, widths, missing);
  const growing = wishes.filter(({ grows }) => grows).length;
  return wishes.map(({ width, grows }) => width + (grows ? -missing / growing : 0));
}

/** @param {Wish[]} wishes @param {number[]} widths @param {number} total that is missing */
function shrink(wishes, widths, total) {
  if (wishes.reduce((sum, { width, least }) => sum + width - least, 0) < total) return widths;
  let missing = total;
  const lastFirst = wishes.toReversed().map(({ width, least }) => {
    const given = Math.min(missing, width - least);
    missing -= given;
    return width - given;
  });
  return lastFirst.toReversed();
}
