/** A size for people, in decimal units. */
export function inMegabytes(bytes: number): string {
  const digits = bytes < 10e6 ? 1 : 0;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(digits)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
