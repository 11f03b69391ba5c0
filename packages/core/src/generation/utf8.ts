/** Incomplete or invalid UTF-8 decodes to this. */
const replacement = "\uFFFD";

/**
 * Decodes UTF-8 byte by byte, as WHATWG's decoder does (Encoding Standard, section "UTF-8 decoder"; Unicode's "maximal
 * subpart" practice): each maximal broken part becomes one U+FFFD, and a byte order mark is kept. A whole sequence has
 * the same text however it is cut.
 */
export class Utf8Decoder {
  readonly #pending: number[] = [];
  #needed = 0;
  #point = 0;
  #lower = 0x80;
  #upper = 0xbf;

  /** The bytes of a character that is not complete yet: at most 3. */
  get pending(): readonly number[] {
    return this.#pending;
  }

  /** Adds a byte, 0 to 255. Returns the text that it completes. */
  push(byte: number): string {
    if (this.#needed === 0) return this.#begin(byte);
    if (byte < this.#lower || byte > this.#upper) {
      this.end();
      return replacement + this.#begin(byte);
    }
    this.#lower = 0x80;
    this.#upper = 0xbf;
    this.#point = (this.#point << 6) | (byte & 0x3f);
    this.#pending.push(byte);
    if (this.#pending.length <= this.#needed) return "";
    const text = String.fromCodePoint(this.#point);
    this.end();
    return text;
  }

  /** The text of the pending bytes when no other byte follows. It changes nothing. */
  rest(): string {
    return this.#needed === 0 ? "" : replacement;
  }

  /** Ends the sequence: returns `rest()`, and begins another sequence. */
  end(): string {
    const text = this.rest();
    this.#pending.length = 0;
    this.#needed = 0;
    this.#lower = 0x80;
    this.#upper = 0xbf;
    return text;
  }

  #begin(byte: number): string {
    if (byte < 0x80) return String.fromCharCode(byte);
    if (byte >= 0xc2 && byte <= 0xdf) this.#expect(1, byte & 0x1f, byte);
    else if (byte >= 0xe0 && byte <= 0xef) {
      this.#expect(2, byte & 0xf, byte);
      if (byte === 0xe0) this.#lower = 0xa0; // shorter forms exist
      if (byte === 0xed) this.#upper = 0x9f; // surrogates
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      this.#expect(3, byte & 7, byte);
      if (byte === 0xf0) this.#lower = 0x90;
      if (byte === 0xf4) this.#upper = 0x8f; // above U+10FFFF
    } else return replacement;
    return "";
  }

  #expect(needed: number, bits: number, byte: number): void {
    this.#needed = needed;
    this.#point = bits;
    this.#pending.push(byte);
  }
}

/** The bytes of a text in UTF-8; a surrogate without its other half becomes U+FFFD. */
export function utf8Bytes(text: string): number[] {
  const bytes: number[] = [];
  for (const character of text) {
    let point = character.codePointAt(0) ?? 0;
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point < 0x10000) {
      bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    } else {
      const [high, middle] = [(point >> 12) & 0x3f, (point >> 6) & 0x3f];
      bytes.push(0xf0 | (point >> 18), 0x80 | high, 0x80 | middle, 0x80 | (point & 0x3f));
    }
  }
  return bytes;
}
