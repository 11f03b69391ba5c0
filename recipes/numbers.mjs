// Access to arrays of numbers by an index that is known to be valid.

/** @param {ArrayLike<number>} values @param {number} index */
export function at(values, index) {
  return values[index] ?? NaN;
}

/** Adds to an element. @param {Float64Array | number[]} values @param {number} index @param {number} value */
export function add(values, index, value) {
  values[index] = at(values, index) + value;
}
