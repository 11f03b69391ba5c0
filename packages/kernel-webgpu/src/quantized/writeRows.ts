import { byteOffset, type QuantizedDType } from "@mamba/kernel";
import type { Commands } from "../commands/commands.ts";
import type { Storage } from "../memory/tensor.ts";
import { planesOf } from "./layouts.ts";
import { pack } from "./repack.ts";

/** Rows are repacked in chunks of about this many bytes, which the queue copies before the next chunk. */
const chunkBytes = 2 ** 20;

/** Copies blocks of whole rows to byte `at` of a memory, repacked as planes. */
export function writeRows(
  commands: Commands,
  storage: Storage,
  at: number,
  dtype: QuantizedDType,
  columns: number,
  data: Uint8Array,
): void {
  const rowBytes = byteOffset(dtype, columns);
  const rowWords = planesOf(dtype, columns).words;
  const rows = data.length / rowBytes;
  const most = Math.min(rows, Math.max(1, Math.floor(chunkBytes / rowBytes)));
  const words = new Uint32Array(most * rowWords);
  for (let row = 0; row < rows; row += most) {
    const count = Math.min(most, rows - row);
    const bytes = data.subarray(row * rowBytes, (row + count) * rowBytes);
    // `slice` of a Buffer of Node would not copy.
    const blocks = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
    const packed = words.subarray(0, count * rowWords);
    pack(dtype, columns, new Uint16Array(blocks.buffer, blocks.byteOffset, blocks.length / 2), packed);
    commands.upload(storage, at + row * rowWords * 4, packed, packed.byteLength);
  }
}
