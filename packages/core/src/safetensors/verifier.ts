import { type ByteSource, fill } from "./byteSource.ts";
import { Checksum, checksumKey, emptyChecksum } from "./checksum.ts";
import { SafetensorsError, show } from "./errors.ts";
import type { SafetensorsHeader } from "./header.ts";

/** Computes the checksum of a file while its tensors are read. Bytes between two reads are read as well, forward only. */
export class Verifier {
  readonly #source: ByteSource;
  readonly #expected: string;
  readonly #checksum = new Checksum();
  /** The bytes before the data, until they are in the checksum. */
  #header: Uint8Array | undefined;
  #position = 0;

  private constructor(source: ByteSource, expected: string, header: Uint8Array) {
    this.#source = source;
    this.#expected = expected;
    this.#header = header;
  }

  /**
   * The verifier of a file; undefined when the file has no checksum.
   *
   * @param headerBytes all bytes before the data
   */
  static of(
    source: ByteSource,
    { metadata }: SafetensorsHeader,
    headerBytes: Uint8Array,
  ): Verifier | undefined {
    const expected = metadata[checksumKey];
    return expected === undefined
      ? undefined
      : new Verifier(source, expected, withoutDigits(headerBytes, expected));
  }

  /** Bytes before this are in the checksum. */
  get position(): number {
    return this.#position;
  }

  /** Reads the bytes up to `offset` that no call has read. */
  async skipTo(offset: number): Promise<void> {
    await this.#start();
    const scratch =
      offset > this.#position ? new Uint8Array(Math.min(2 ** 20, offset - this.#position)) : undefined;
    while (scratch && this.#position < offset) {
      const chunk = scratch.subarray(0, Math.min(scratch.length, offset - this.#position));
      await fill(this.#source, this.#position, chunk);
      await this.saw(this.#position, chunk);
    }
  }

  /** Takes note of bytes that were read at `offset`. */
  async saw(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#start();
    const known = this.#position - offset; // a tensor that is read again
    if (known < 0 || known >= bytes.length) return;
    const fresh = bytes.subarray(known);
    this.#position += fresh.length;
    await this.#checksum.update(fresh);
  }

  async finish(end: number): Promise<void> {
    await this.skipTo(end);
    const found = await this.#checksum.digest();
    if (found === this.#expected) return;
    const problem = `its content has the checksum ${found}, its header says ${show(this.#expected)}`;
    const remedy = `get the file again; if another program changed it on purpose, remove ${checksumKey} from its metadata`;
    throw new SafetensorsError(
      "CHECKSUM",
      `${this.#source.name}: the file is damaged: ${problem}; ${remedy}`,
    );
  }

  async #start(): Promise<void> {
    const header = this.#header;
    if (!header) return;
    this.#header = undefined;
    this.#position = header.length;
    await this.#checksum.update(header);
  }
}

/** A copy of the header with zeros in place of its checksum. */
function withoutDigits(headerBytes: Uint8Array, digits: string): Uint8Array {
  const bytes = headerBytes.slice();
  const at = new TextDecoder("latin1").decode(bytes).indexOf(`"${digits}"`);
  if (digits.length === emptyChecksum.length && at !== -1)
    bytes.set(new TextEncoder().encode(emptyChecksum), at + 1);
  return bytes;
}
