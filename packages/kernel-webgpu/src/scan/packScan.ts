import type { ScanArgs } from "@mamba/kernel";
import type { Owned } from "@mamba/kernel/author";
import { absentOffset, pack } from "../memory/packs.ts";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { sequenceIndex } from "../shared/sequenceIndex.ts";

/** The small arguments of a scan in one buffer, with the parameters of the shaders that read it. */
export interface PackedScan {
  readonly tensor: WebGpuTensor;
  /** True when it holds the index of packed sequences. */
  readonly sequences: boolean;
  readonly params: Readonly<Record<"skip_at" | "bias_at" | "index_at" | "softplus", number>>;
}

/** Packs A, D, deltaBias and the index of the sequences into one buffer. The caller disposes the tensor. */
export function packScan(runtime: Runtime, op: string, args: Owned<ScanArgs, WebGpuTensor>): PackedScan {
  const index = sequenceIndex(runtime, op, args.sequenceIds);
  const { tensor, at } = pack(runtime, op, [args.A, args.D, args.deltaBias, index]);
  index?.dispose();
  const [, skip_at = absentOffset, bias_at = absentOffset, index_at = absentOffset] = at;
  const params = { skip_at, bias_at, index_at, softplus: args.deltaSoftplus ? 1 : 0 };
  return { tensor, sequences: index !== undefined, params };
}
