/**
 * A hash that tells contents apart, in 16 hexadecimal digits: two lanes of FNV-1a (Fowler, Noll and Vo) over 32-bit words,
 * mixed at the end. It does not resist an adversary.
 */
export function fingerprint(arrays: Iterable<ArrayBufferView>): string {
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  const add = (word: number) => {
    a = Math.imul(a ^ word, 0x01000193);
    b = Math.imul(b ^ (b >>> 15) ^ word, 0x85ebca6b);
  };
  for (const { buffer, byteOffset, byteLength } of arrays) {
    const view = new DataView(buffer, byteOffset, byteLength);
    const words = byteLength - (byteLength % 4);
    for (let i = 0; i < words; i += 4) add(view.getUint32(i, true));
    for (let i = words; i < byteLength; i++) add(view.getUint8(i));
    add(byteLength);
  }
  return [a ^ (a >>> 13), b ^ (b >>> 16)].map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
}
