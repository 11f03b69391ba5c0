import { elementCount, type Kernel } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { StateSpec } from "../layers/module.ts";
import { StackState } from "./stackState.ts";

// Saved state: magic, u32 version, u32 header length, JSON header, then the float32 data of the state's tensors in their
// order, all little-endian. The header states the sizes; the data must be exactly as long as they say.

const magic = "MAMBASTA";
const version = 1;
const prefixBytes = magic.length + 8;
const maxHeaderBytes = 2 ** 26;

/** The sizes that the header states: version 1 holds the states of equal Mamba blocks. */
function sizesOf(specs: readonly StateSpec[]): Readonly<Record<string, number>> {
  const fail = (): never => {
    throw new MambaError("CACHE", "saved state: only states of stacks of equal Mamba blocks can be saved");
  };
  const [first, second] = specs;
  if (!first || !second || specs.length % 2 !== 0) return fail();
  const [, dInner = 0, dState = 0] = first.shape(1);
  const [, , inputs = 0] = second.shape(1);
  const isEqual = specs.every(({ name, shape }, i) => {
    const [kind, width] = i % 2 === 0 ? ["scanState", dState] : ["convInputs", inputs];
    return name.endsWith(`.mixer.${kind}`) && shape(1).join() === [1, dInner, width].join();
  });
  if (!isEqual) return fail();
  return { nLayers: specs.length / 2, dInner, dState, dConv: inputs + 1 };
}

/** A state in bytes, with `extra` in the header. */
export async function packState(state: StackState, extra: object): Promise<Uint8Array> {
  const fields = { ...sizesOf(state.specs), batch: state.batch, ...extra };
  const header = new TextEncoder().encode(JSON.stringify(fields));
  const data = await state.read();
  const bytes = new Uint8Array(
    prefixBytes + header.length + data.reduce((sum, values) => sum + values.byteLength, 0),
  );
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(magic));
  view.setUint32(magic.length, version, true);
  view.setUint32(magic.length + 4, header.length, true);
  bytes.set(header, prefixBytes);
  let offset = prefixBytes + header.length;
  for (const { buffer, byteOffset, byteLength } of data) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    offset += byteLength;
  }
  return bytes;
}

/** The header and the data of `packState`, checked against each other and against the sizes of the model. */
export interface UnpackedState {
  readonly header: Readonly<Record<string, unknown>>;
  readonly batch: number;
  /** In the order of the state specs, as `StackState.read` returns them. */
  readonly data: readonly Float32Array[];
}

/** @throws MambaError `CACHE` when the bytes are damaged, of another version, or of a model of another shape. */
export function unpackState(bytes: Uint8Array, specs: readonly StateSpec[]): UnpackedState {
  const fail = (message: string): never => {
    throw new MambaError("CACHE", `saved state: ${message}`);
  };
  if (bytes.length < prefixBytes || String.fromCharCode(...bytes.subarray(0, magic.length)) !== magic) {
    fail("these bytes are not a saved Mamba state");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = view.getUint32(magic.length, true);
  if (found !== version) fail(`its version is ${found}, this library reads ${version}`);
  const headerBytes = view.getUint32(magic.length + 4, true);
  if (headerBytes > maxHeaderBytes || headerBytes > bytes.length - prefixBytes) {
    fail(`a header of ${headerBytes} bytes does not fit into ${bytes.length} bytes`);
  }
  const header = parseHeader(bytes.subarray(prefixBytes, prefixBytes + headerBytes));
  for (const [field, size] of Object.entries(sizesOf(specs))) {
    if (header[field] !== size) fail(`${field} is ${String(header[field])}, the model has ${size}`);
  }
  const batch = header["batch"];
  if (typeof batch !== "number" || !Number.isInteger(batch) || batch < 1 || batch > 2 ** 20) {
    return fail(`batch must be a whole number from 1 to 2^20, got ${String(batch)}`);
  }
  const counts = specs.map(({ shape }) => elementCount(shape(batch)));
  const start = prefixBytes + headerBytes;
  const expected = 4 * counts.reduce((sum, count) => sum + count, 0);
  if (bytes.length - start !== expected)
    fail(`${expected} bytes of data were expected, got ${bytes.length - start}`);
  // A copy, since the offset in `bytes` need not be aligned. Not by `slice`: on Node's Buffer that is a view.
  const floats = new Float32Array(new Uint8Array(bytes.subarray(start)).buffer);
  let offset = 0;
  const data = counts.map((count) => floats.subarray(offset, (offset += count)));
  return { header, batch, data };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof header === "object" && header !== null) return header as Record<string, unknown>;
  } catch (cause) {
    throw new MambaError("CACHE", "saved state: its header is not JSON", { cause });
  }
  throw new MambaError("CACHE", "saved state: its header is not a JSON object");
}

/**
 * The bytes of a state alone, with a versioned header.
 *
 * @throws MambaError `CACHE` unless the state is of a stack of equal Mamba blocks
 */
export function serializeState(state: StackState): Promise<Uint8Array> {
  return packState(state, {});
}

/**
 * The reverse of `serializeState`, on any kernel.
 *
 * @param specs those of the stack, `stack.state`
 * @throws MambaError `CACHE` when the bytes are damaged, of another version, or of a model of another shape.
 */
export function deserializeState(kernel: Kernel, specs: readonly StateSpec[], bytes: Uint8Array): StackState {
  const { batch, data } = unpackState(bytes, specs);
  return StackState.upload(kernel, specs, batch, data);
}
