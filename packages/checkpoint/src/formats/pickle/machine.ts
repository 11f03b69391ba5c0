import { CheckpointError } from "../../errors.ts";
import { allowedGlobal, call, persistentStorage } from "./globals.ts";
import { describe, PickleDict, PickleList, type PickleValue } from "./values.ts";

/** Most values that a pickle may make, and most lists, tuples and dictionaries among them. A tensor takes about 30 and 6. */
const maxValues = 2 ** 21;
const maxContainers = 2 ** 18;

/** The stack, the saved values, and the bytes that are left. Opcodes act on it. */
export class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  readonly #stack: PickleValue[] = [];
  /** Lengths of the stack at the marks that no opcode has taken. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #at = 0;
  #values = 0;
  #containers = 0;

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
  }

  /** Bytes that were read. */
  get position(): number {
    return this.#at;
  }

  /** The one value that is left after the last opcode. */
  finish(): PickleValue {
    const value = this.pop();
    if (this.#stack.length > 0 || this.#marks.length > 0) this.fail("ends with more than one value");
    if (this.#at < this.#bytes.length) this.fail(`${this.#bytes.length - this.#at} bytes follow its end`);
    return value;
  }

  mark(): void {
    if (this.#marks.length >= maxContainers) this.#tooLarge();
    this.#marks.push(this.#stack.length);
  }

  push(value: PickleValue): void {
    if (++this.#values > maxValues) this.#tooLarge();
    this.#stack.push(value);
  }

  /** Pushes a value that takes memory of its own. */
  add(value: PickleValue): void {
    if (++this.#containers > maxContainers) this.#tooLarge();
    this.push(value);
  }

  pop(): PickleValue {
    const [value = null] = this.popMany(1);
    return value;
  }

  /** The last values of the stack, which were pushed after the last mark. */
  popMany(count: number): PickleValue[] {
    const floor = this.#marks.at(-1) ?? 0;
    if (this.#stack.length - count < floor)
      this.fail(`takes a value from an empty stack at byte ${this.#at - 1}`);
    return this.#stack.splice(this.#stack.length - count, count);
  }

  popMark(): PickleValue[] {
    const mark = this.#marks.pop() ?? this.fail(`takes a mark where there is none at byte ${this.#at - 1}`);
    return this.#stack.splice(mark);
  }

  append(items: readonly PickleValue[]): void {
    const list = this.#top();
    if (!(list instanceof PickleList)) this.fail(`appends to ${describe(list)}`);
    for (const item of items) list.items.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const dict = this.#top();
    if (!(dict instanceof PickleDict)) this.fail(`sets items of ${describe(dict)}`);
    if (items.length % 2 !== 0) this.fail("sets a key without a value");
    for (let i = 0; i < items.length; i += 2) {
      const [key, value = null] = [items[i], items[i + 1]];
      if (typeof key !== "string" && typeof key !== "number")
        this.fail(`has the key ${describe(key)}, expected text or a number`);
      if (dict.entries.has(key)) {
        const message = `${this.#where}: the key ${describe(key)} appears twice in one dictionary`;
        throw new CheckpointError("DUPLICATE_KEY", message);
      }
      dict.entries.set(key, value);
    }
  }

  /** The attributes of a state dict, such as `_metadata` with the versions of modules: they are not used. */
  build(): void {
    const state = this.pop();
    const target = this.#top();
    if (target instanceof PickleDict && state instanceof PickleDict) return;
    this.fail(`sets attributes of ${describe(target)}`);
  }

  #top(): PickleValue {
    const value = this.#stack.length > (this.#marks.at(-1) ?? 0) ? this.#stack.at(-1) : undefined;
    return value === undefined ? this.fail(`uses an empty stack at byte ${this.#at - 1}`) : value;
  }

  get(index: number): void {
    const value = this.#memo.get(index);
    this.push(value === undefined ? this.fail(`recalls the value ${index}, which it has not saved`) : value);
  }

  /** @param index default: the number of saved values */
  put(index = this.#memo.size): void {
    if (this.#memo.size >= maxValues) this.#tooLarge();
    this.#memo.set(index, this.#top());
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** The position of the next `count` bytes, which are taken. */
  #take(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start) this.fail("ends before it should");
    this.#at = start + count;
    return start;
  }

  long(): number {
    const count = this.u8();
    const start = this.#take(count);
    let value = 0n;
    for (let i = 0; i < Math.min(count, 9); i++)
      value |= BigInt(this.#bytes[start + i] ?? 0) << BigInt(8 * i);
    const number = Number(BigInt.asIntN(8 * Math.min(count, 9), value));
    if (count > 8 || !Number.isSafeInteger(number)) this.fail(`has a number of ${count} bytes`);
    return number;
  }

  text(length: number): string {
    const start = this.#take(length);
    try {
      return utf8.decode(this.#bytes.subarray(start, start + length));
    } catch {
      return this.fail(`has text that is not UTF-8 at byte ${start}`);
    }
  }

  /** Text up to the end of its line. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) this.fail("ends before it should");
    const line = this.text(end - this.#at);
    this.#at = end + 1;
    return line;
  }

  /** The class or function of a module. */
  global([module, name]: readonly PickleValue[]): void {
    if (typeof module !== "string" || typeof name !== "string")
      this.fail(`names ${describe(name)} of ${describe(module)}`);
    this.push(allowedGlobal(module, name, this.#where));
  }

  reduce(): void {
    const [callee = null, args = null] = this.popMany(2);
    this.add(call(callee, args, this.#where));
  }

  persistent(): void {
    this.add(persistentStorage(this.pop(), this.#where));
  }

  #tooLarge(): never {
    const limit = `more than ${maxValues} values or ${maxContainers} lists, tuples and dictionaries`;
    throw new CheckpointError("TOO_LARGE", `${this.#where}: ${limit}`);
  }

  fail(problem: string): never {
    throw new CheckpointError("PICKLE", `${this.#where}: ${problem}`);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
