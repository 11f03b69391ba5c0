/** Number of disjoint sets of texts: seeds with different remainders by it have no text in common. */
const classes = 4;

/**
 * True when a text belongs to a seed: its hash modulo 4 is the seed's remainder by 4. A generator that accepts only such texts has none
 * in common between seeds that differ modulo 4, by construction and not by chance.
 */
export function belongsTo(seed: number, text: string): boolean {
  return hash(text) % classes === ((seed % classes) + classes) % classes;
}

/** FNV-1a of the UTF-16 units of a text, its upper half: the lowest bits mix badly. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 16;
}
