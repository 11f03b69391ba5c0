/**
 * Rounds a size up to one of few sizes, so that a memory pool can reuse freed memory: to multiples of 256 up to 4096 bytes,
 * above that to sixteenths of a power of two, which wastes at most 1/16.
 */
export function sizeClass(bytes: number): number {
  if (bytes <= 4096) return Math.max(256, Math.ceil(bytes / 256) * 256);
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 4);
  return Math.ceil(bytes / step) * step;
}
