/**
 * The printable character that byte-level BPE gives to each byte, as GPT-2 does: printable Latin-1 stands for itself, and the
 * rest for characters from U+0100.
 */
export const byteSymbols: readonly string[] = (() => {
  const isPrintable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
})();

/** The byte of each of those characters. */
export const symbolBytes: ReadonlyMap<string, number> = new Map(
  byteSymbols.map((symbol, byte) => [symbol, byte]),
);
