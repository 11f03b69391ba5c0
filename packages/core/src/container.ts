import type { CacheShape, MambaCache } from "./cache.ts";
import { MambaError } from "./errors.ts";

// Saved state: magic, u32 version, u32 header length, JSON header, then the cache's float32 data, layer after layer,
// all little-endian. The header states the sizes; the data must be exactly as long as they say.

const magic = "MAMBASTA";
const version = 1;
const prefixBytes = magic.length + 8;
const maxHeaderBytes = 2 ** 26;

/** A cache in bytes, with whatever else travels in the header. */
export async function packCache(cache: MambaCache, extra: object): Promise<Uint8Array> {
  const header = new TextEncoder().encode(JSON.stringify({ ...cache.shape, batch: cache.batch, ...extra }));
  const data = await cache.read();
  const bytes = new Uint8Array(
    prefixBytes + header.length + data.reduce((sum, part) => sum + part.byteLength, 0),
  );
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(magic));
  view.setUint32(magic.length, version, true);
  view.setUint32(magic.length + 4, header.length, true);
  bytes.set(header, prefixBytes);
  let offset = prefixBytes + header.length;
  for (const part of data) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), offset);
    offset += part.byteLength;
  }
  return bytes;
}

/** The header and the data of `packCache`, checked against each other and against the model's sizes. */
export interface UnpackedCache {
  readonly header: Readonly<Record<string, unknown>>;
  readonly batch: number;
  /** As `MambaCache.read` gives them. */
  readonly data: readonly Float32Array[];
}

/** @throws MambaError `CACHE` when the bytes are damaged, of another version, or of a model of another shape. */
export function unpackCache(bytes: Uint8Array, config: CacheShape): UnpackedCache {
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
  for (const field of ["nLayers", "dInner", "dState", "dConv"] as const) {
    if (header[field] !== config[field])
      fail(`${field} is ${String(header[field])}, the model has ${config[field]}`);
  }
  const batch = header["batch"];
  if (typeof batch !== "number" || !Number.isInteger(batch) || batch < 1 || batch > 2 ** 20) {
    return fail(`batch must be a whole number from 1 to 2^20, got ${String(batch)}`);
  }
  const sizes = [batch * config.dInner * config.dState, batch * config.dInner * (config.dConv - 1)];
  const start = prefixBytes + headerBytes;
  const expected = sizes.reduce((sum, size) => sum + size, 0) * 4 * config.nLayers;
  if (bytes.length - start !== expected)
    fail(`${expected} bytes of data were expected, got ${bytes.length - start}`);
  // A copy, since the offset in `bytes` need not be aligned. Not by `slice`: on Node's Buffer that is a view.
  const floats = new Float32Array(new Uint8Array(bytes.subarray(start)).buffer);
  const data: Float32Array[] = [];
  for (let offset = 0; offset < floats.length;) {
    const size = sizes[data.length % 2] as number;
    data.push(floats.subarray(offset, offset + size));
    offset += size;
  }
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
