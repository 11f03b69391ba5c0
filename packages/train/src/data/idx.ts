import { dataError } from "./dataError.ts";
import { type ElementType, elementTypes, type NumericArray, readElements } from "./numericArray.ts";

/** The types of IDX by their codes, as NumPy names them. */
const codes: Readonly<Record<number, string>> = {
  0x08: "u1",
  0x09: "i1",
  0x0b: "i2",
  0x0c: "i4",
  0x0d: "f4",
  0x0e: "f8",
};

/**
 * Parses an IDX file, the format of MNIST: two zero bytes, the type, the number of axes, the extents and the elements, all
 * big endian (Yann LeCun's page of MNIST).
 *
 * @param name the file, for messages
 * @throws TrainError `DATA` when the file is not IDX, or has more or fewer bytes than its header says
 */
export function parseIdx(bytes: Uint8Array, name: string): NumericArray {
  const [first, second, code = 0, axes = 0] = bytes;
  const type: ElementType | undefined = elementTypes[codes[code] ?? ""];
  if (first !== 0 || second !== 0 || !type || axes === 0) {
    if (first === 0x1f && second === 0x8b)
      throw dataError(name, "expected an IDX file", "a gzip file: expand it first");
    throw dataError(name, "expected an IDX file", "another beginning");
  }
  const offset = 4 + 4 * axes;
  if (bytes.length < offset) {
    throw dataError(name, `expected a header of ${offset} bytes`, `a file of ${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis, false));
  return readElements(name, bytes, { offset, shape, type, littleEndian: false });
}
