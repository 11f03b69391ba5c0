import { dataError, quoted } from "./dataError.ts";
import { elementTypes, type NumericArray, readElements } from "./numericArray.ts";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // "\x93NUMPY"

/**
 * Parses a NumPy `.npy` file of format 1, 2 or 3: floats of 32 and 64 bits, integers of 8 to 64 bits and booleans, in either
 * byte order. The header is a Python literal; it is matched against the form that NumPy writes, and never evaluated.
 *
 * Source: NumPy enhancement proposal 1 (NEP 1).
 *
 * @param name the file, for messages
 * @throws TrainError `DATA` when the file is no such array, is in Fortran order, or ends too early
 */
export function parseNpy(bytes: Uint8Array, name: string): NumericArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) {
    throw dataError(name, "expected a NumPy .npy file", "another beginning");
  }
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw dataError(name, "expected .npy format 1, 2 or 3", String(version));
  const start = version === 1 ? 10 : 12;
  const length =
    bytes.length < start ? NaN : version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (!(start + length <= bytes.length)) {
    throw dataError(name, "expected a whole header", `a file that ends at byte ${bytes.length}`);
  }
  if (length > longestHeader) {
    throw dataError(name, `expected a header of at most ${longestHeader} bytes`, String(length));
  }
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const { descr, isFortran, shape } = parseHeader(header, name);
  const [, order = "|", kind = ""] = /^([<>|=]?)([a-z]\d+)$/.exec(descr) ?? [];
  const type = Object.hasOwn(elementTypes, kind) ? elementTypes[kind] : undefined;
  if (!type || (order === "|" && type.bytes > 1)) {
    const known = Object.keys(elementTypes).join(", ");
    throw dataError(name, `expected the type of the elements to be one of ${known}`, quoted(descr));
  }
  if (isFortran && shape.length > 1) {
    throw dataError(name, "expected C order (np.ascontiguousarray makes it)", "Fortran order");
  }
  return readElements(name, bytes, { offset: start + length, shape, type, littleEndian: order !== ">" });
}

/** NumPy's own limit for a header that it did not write itself. */
const longestHeader = 10_000;

function parseHeader(header: string, name: string) {
  const match =
    /^\{\s*'descr': '([^'\\]*)', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\),?\s*\}\s*$/.exec(
      header,
    );
  if (!match) {
    const form = "{'descr': …, 'fortran_order': …, 'shape': …}";
    throw dataError(name, `expected a header of the form ${form}`, quoted(header));
  }
  const [, descr = "", order, list = ""] = match;
  // `(3,)` has a comma at its end, `()` has no element.
  const extents = list.trim() === "" ? [] : list.replace(/,\s*$/, "").split(",");
  const shape = extents.map((extent) => (/^\s*\d+\s*$/.test(extent) ? Number(extent) : NaN));
  if (!shape.every(Number.isSafeInteger) || shape.length > 32) {
    throw dataError(name, "expected a shape of whole numbers", `(${list})`);
  }
  return { descr, isFortran: order === "True", shape };
}
