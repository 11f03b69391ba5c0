/** The number of elements of a shape from a file; Infinity when it is beyond 2^53. */
export function checkedProduct(shape: readonly number[]): number {
  // A zero makes the product zero, whatever the others are.
  if (shape.includes(0)) return 0;
  const product = shape.reduce((elements, extent) => elements * extent, 1);
  return Number.isSafeInteger(product) ? product : Infinity;
}
