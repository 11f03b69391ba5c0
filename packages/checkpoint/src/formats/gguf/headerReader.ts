import type { ByteSource } from "@mamba/core/safetensors";
import { CheckpointError } from "../../errors.ts";

/**
 * Largest header in bytes: metadata with the tokenizer, and the list of tensors. Those of vocabularies with 256,000 tokens have 10 to
 * 45 MB.
 */
const ggufHeaderCap = 128 * 2 ** 20;

const firstBytes = 64 * 1024;
const nextBytes = 2 ** 20;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a header from its first byte on, forward only and in chunks. `ensure` makes bytes available, the other methods take available
 * bytes without waiting. Nothing is allocated for a length in the file before it was compared with the bytes that remain.
 */
export class HeaderReader {
  readonly #source: ByteSource;
  #buffer = new Uint8Array(firstBytes);
  #view = new DataView(this.#buffer.buffer);
  /** Offset in the file of the buffer's first byte. */
  #base = 0;
  #next = 0;
  #end = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Offset of the next byte in the file. */
  get position(): number {
    return this.#base + this.#next;
  }

  /** Bytes that the header can still have. */
  get remaining(): number {
    return Math.min(this.#source.size ?? Infinity, ggufHeaderCap) - this.position;
  }

  /**
   * Compares a length in the file with the bytes that remain.
   *
   * @param what for the message: "a string"
   * @throws CheckpointError `TRUNCATED`, `TOO_LARGE`
   */
  checkLength(bytes: bigint, what: string): number {
    if (bytes <= BigInt(this.remaining)) return Number(bytes);
    const { name, size } = this.#source;
    const message = `${name}: ${what} at byte ${this.position} needs ${bytes} bytes`;
    if (size !== undefined && bytes > BigInt(size - this.position))
      throw new CheckpointError("TRUNCATED", `${message}, ${size - this.position} remain in the file`);
    throw new CheckpointError("TOO_LARGE", `${message}, a header has at most ${ggufHeaderCap}`);
  }

  /** True when `count` bytes are available. */
  has(count: number): boolean {
    return this.#end - this.#next >= count;
  }

  /**
   * Makes `count` bytes available.
   *
   * @throws CheckpointError `TRUNCATED`, `TOO_LARGE`; the errors of the source
   */
  async ensure(count: number): Promise<void> {
    if (this.has(count)) return;
    if (count > this.remaining) this.checkLength(BigInt(count), "the header");
    const kept = this.#buffer.subarray(this.#next, this.#end);
    const chunk = this.#base === 0 && this.#end === 0 ? firstBytes : nextBytes;
    const capacity = Math.min(Math.max(count, chunk), this.remaining);
    if (capacity > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(capacity, chunk));
      larger.set(kept);
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    } else this.#buffer.copyWithin(0, this.#next, this.#end);
    this.#base = this.position;
    this.#end = kept.length;
    this.#next = 0;
    const at = this.#base + this.#end;
    this.#end += await this.#source.read(at, this.#buffer.subarray(this.#end, capacity));
    if (this.has(count)) return;
    const found = this.#base + this.#end;
    const message = `${this.#source.name}: the file ends at byte ${found}, inside of its header`;
    throw new CheckpointError("TRUNCATED", message);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  i16(): number {
    return this.#view.getInt16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  f32(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#advance(8), true);
  }

  /** Takes `count` bytes as a view, which the next `ensure` makes invalid. */
  bytes(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.#buffer.subarray(start, start + count);
  }

  /** Copies the next bytes into `into`, whatever its size. */
  async copy(into: Uint8Array): Promise<void> {
    for (let done = 0; done < into.length;) {
      if (!this.has(1)) await this.ensure(1);
      const count = Math.min(into.length - done, this.#end - this.#next);
      into.set(this.bytes(count), done);
      done += count;
    }
  }

  /**
   * Reads a string: its length in bytes, and UTF-8.
   *
   * @param what for messages: "a key"
   * @throws CheckpointError `HEADER` when it is not UTF-8, `TRUNCATED`, `TOO_LARGE`
   */
  async string(what: string, most = Infinity): Promise<string> {
    if (!this.has(8)) await this.ensure(8);
    const at = this.position;
    const low = this.u32();
    const high = this.u32();
    const isLong = high > 0 || low > this.remaining;
    if (isLong) this.checkLength((BigInt(high) << 32n) | BigInt(low), what);
    if (low > most) {
      const message = `${this.#source.name}: ${what} at byte ${at} has ${low} bytes, at most ${most} are allowed`;
      throw new CheckpointError("HEADER", message);
    }
    if (!this.has(low)) await this.ensure(low);
    const bytes = this.bytes(low);
    return asciiOf(bytes) ?? this.#decode(bytes, what, at);
  }

  /** `string` for one that is available as a whole, without waiting; undefined for any other, which `string` then reads. */
  availableString(what: string): string | undefined {
    if (!this.has(8)) return undefined;
    const length = this.#view.getUint32(this.#next, true);
    if (this.#view.getUint32(this.#next + 4, true) !== 0 || !this.has(8 + length)) return undefined;
    const at = this.position;
    this.#next += 8;
    const bytes = this.bytes(length);
    return asciiOf(bytes) ?? this.#decode(bytes, what, at);
  }

  /** The bytes that were read beyond the header, from `offset` on, copied. */
  restFrom(offset: number): Uint8Array {
    const start = Math.min(Math.max(offset - this.#base, this.#next), this.#end);
    return this.#buffer.slice(start, this.#end);
  }

  #decode(bytes: Uint8Array, what: string, at: number): string {
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      const message = `${this.#source.name}: ${what} at byte ${at} is not UTF-8 text`;
      throw new CheckpointError("HEADER", message, { cause });
    }
  }

  #advance(count: number): number {
    const start = this.#next;
    this.#next += count;
    return start;
  }
}

/** The text of a few ASCII bytes, faster than a `TextDecoder`, whose calls cost more than short tokens; undefined for other bytes. */
function asciiOf(bytes: Uint8Array): string | undefined {
  if (bytes.length > 16) return undefined;
  for (const byte of bytes) if (byte >= 0x80) return undefined;
  return String.fromCharCode.apply(undefined, bytes as unknown as number[]);
}
