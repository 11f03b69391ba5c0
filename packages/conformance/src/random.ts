/**
 * Seeded random numbers for test inputs (the Mulberry32 mixing function): the same on every engine, so a failing case can
 * be repeated from its name alone. Not for cryptography or statistics.
 */
export class Random {
  #state: number;

  /** Equal seeds give equal sequences. A string is hashed (FNV-1a), so that a case can be seeded by its name. */
  constructor(seed: number | string) {
    this.#state = typeof seed === "number" ? seed >>> 0 : hash(seed);
  }

  /** In [min, max), default [0, 1), with 32 random bits. */
  uniform(min = 0, max = 1): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return min + (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * (max - min);
  }

  /** A whole number in [min, max]. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.uniform() * (max - min + 1));
  }

  /** From N(0, deviation²), by the Box-Muller transform. */
  normal(deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform()) * deviation;
  }

  /** `count` random bytes. Beyond 2^20 bytes they repeat: see `fill`. */
  bytes(count: number): Uint8Array {
    return fill(new Uint8Array(count), () => this.integer(0, 255));
  }

  /** `count` float32 values from U[min, max). Beyond 2^20 values they repeat: see `fill`. */
  uniforms(count: number, min: number, max: number): Float32Array {
    return fill(new Float32Array(count), () => this.uniform(min, max));
  }

  /** `count` float32 values from N(0, deviation²). Beyond 2^20 values they repeat: see `fill`. */
  normals(count: number, deviation = 1): Float32Array {
    return fill(new Float32Array(count), () => this.normal(deviation));
  }
}

const drawnValues = 2 ** 20;

/**
 * Fills `data`: at most 2^20 are drawn, and the rest repeats them. Drawing the 39 million weights of an embedding table
 * would take a benchmark seconds, and the time of an op does not depend on them.
 */
function fill<T extends Float32Array | Uint8Array>(data: T, draw: () => number): T {
  const count = data.length;
  const drawn = Math.min(count, drawnValues);
  for (let i = 0; i < drawn; i++) data[i] = draw();
  for (let filled = drawn; filled < count; filled *= 2) data.copyWithin(filled, 0, filled);
  return data;
}

function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
