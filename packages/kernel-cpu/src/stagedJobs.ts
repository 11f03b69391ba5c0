import { byteOffset, isDense, isQuantized, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import { Chunk, lineBytes } from "./allocator.ts";
import type { Instance } from "./instance.ts";
import type { JobRecord } from "./jobs.ts";
import { CpuTensor } from "./tensor.ts";
import type { JobName } from "./wasm.ts";

/**
 * The jobs that can run in the memory of a weight, with the fields that they write. Their records are flat, and each pointer is a
 * tensor or a chunk: an address alone does not say how many bytes to copy.
 */
const writtenFields: { readonly [J in JobName]?: readonly (keyof JobRecord<J>)[] } = {
  embedding: ["y"],
  expertLinear: ["y"],
  expertLinearBackwardInput: ["dx"],
  expertLinearQuantized: ["y"],
  halvesLargest: ["largest"],
  linear: ["y"],
  linearBackwardInput: ["c"],
  linearQuantized: ["y"],
  narrow: ["y"],
  packHalves: [],
  quantizeExpertRows: ["y"],
  quantizeRows: ["y"],
  repack: [],
  restore: ["rows"],
};

/** An operand that lies in another memory than the job, and its place in the job's memory. */
interface Copy {
  readonly instance: Instance;
  readonly address: number;
  readonly bytes: number;
  /** Offset in the memory that holds all copies. */
  readonly offset: number;
  readonly isRead: boolean;
  readonly isWritten: boolean;
}

/** The instance on whose memory a job runs: that of its largest operand outside of the main memory, otherwise the main one. */
export function homeOf(main: Instance, name: JobName, record: object): Instance {
  if (!(name in writtenFields)) return main;
  let home = main;
  let most = -1;
  for (const value of Object.values(record) as unknown[]) {
    if (!(value instanceof CpuTensor)) continue;
    const { instance, bytes } = value.storage;
    if (instance !== main && bytes > most) [home, most] = [instance, bytes];
  }
  return home;
}

/**
 * Runs a job in the memory of `home`: copies its other operands there, and the results back.
 *
 * @param run runs the job with a record whose pointers are addresses in that memory
 * @throws KernelError `OUT_OF_MEMORY`, and the errors of `run`
 */
export function runStaged<R extends object>(
  main: Instance,
  home: Instance,
  name: JobName,
  record: R,
  run: (record: R) => void,
): void {
  const written: readonly string[] = writtenFields[name] ?? [];
  const copies: Copy[] = [];
  const moved: [field: string, address: number][] = [];
  const rest: [field: string, value: unknown][] = [];
  let total = 0;
  for (const [field, value] of Object.entries(record) as [string, unknown][]) {
    if (value instanceof CpuTensor && value.storage.instance === home) rest.push([field, value.localAddress]);
    else if (value instanceof CpuTensor || value instanceof Chunk) {
      const isWritten = written.includes(field);
      const isRead = !isWritten || (value instanceof CpuTensor && !isDense(value));
      moved.push([field, total]);
      copies.push({ ...placeOf(main, value), offset: total, isRead, isWritten });
      total += Math.ceil((copies.at(-1)?.bytes ?? 0) / lineBytes) * lineBytes;
    } else rest.push([field, value]);
  }
  const chunk = home.heap.allocate(total, name);
  try {
    for (const { instance, address, bytes, offset, isRead } of copies) {
      if (isRead) home.heap.copyFrom(instance.heap, address, bytes, chunk.address + offset);
    }
    const addresses = moved.map(([field, offset]) => [field, chunk.address + offset]);
    run(Object.fromEntries([...rest, ...addresses]) as R);
    for (const { instance, address, bytes, offset, isWritten } of copies) {
      if (isWritten) instance.heap.copyFrom(home.heap, chunk.address + offset, bytes, address);
    }
  } finally {
    home.heap.free(chunk);
  }
}

/** The bytes from the first element of an operand to its last one. */
function placeOf(
  main: Instance,
  operand: CpuTensor | Chunk,
): { readonly instance: Instance; readonly address: number; readonly bytes: number } {
  if (operand instanceof Chunk) {
    return { instance: main, address: operand.address, bytes: operand.lines * lineBytes };
  }
  const { localAddress: address, dtype, rowStride, shape, storage } = operand;
  const { instance } = storage;
  // A quantised tensor is no view of another one, and its layout may take more bytes than its blocks.
  if (isQuantized(dtype)) return { instance, address, bytes: storage.bytes };
  const elements = (rowCount(operand) - 1) * rowStride + lastExtent(shape);
  return { instance, address, bytes: byteOffset(dtype, elements) };
}
