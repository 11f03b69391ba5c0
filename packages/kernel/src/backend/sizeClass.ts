/**
 * Sizes of memory in a pool: rounded up to sixteenths of a power of two, so that at most 1/16 is wasted and sizes recur; up to
 * 4096 bytes to multiples of 256.
 */
export function sizeClass(bytes: number): number {
  if (bytes <= 4096) return Math.max(256, Math.ceil(bytes / 256) * 256);
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 4);
  return Math.ceil(bytes / step) * step;
}
