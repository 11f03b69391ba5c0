/** An address in the WebAssembly memory, in bytes, or something that lies at one. */
export type Pointer = number | { readonly address: number };

/** Memory to write records to: views on the same bytes. */
export class RecordMemory {
  readonly words: Uint32Array;
  readonly floats: Float32Array;

  /** @param byteOffset a multiple of 4, like `bytes` */
  constructor(buffer: ArrayBufferLike, byteOffset: number, bytes: number) {
    this.words = new Uint32Array(buffer, byteOffset, bytes / 4);
    this.floats = new Float32Array(buffer, byteOffset, bytes / 4);
  }
}
