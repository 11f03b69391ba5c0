/** Seven digits, which is what f32 holds. */
export function rounded(value: number): number {
  return Number(value.toPrecision(7));
}
