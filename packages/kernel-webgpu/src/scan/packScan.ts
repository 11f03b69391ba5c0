import type { ScanArgs } from "@mamba/kernel";
import type { Owned } from "@mamba/kernel/author";
import { absentOffset, pack } from "../memory/packs.ts";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";

/** The small arguments of a scan in one buffer, with the parameters of the shaders that read it. */
export interface PackedScan {
  readonly tensor: WebGpuTensor;
  readonly params: Readonly<Record<"skip_at" | "bias_at" | "range_at" | "softplus", number>>;
}

/** Packs A, D, deltaBias and range into one buffer. The caller disposes the tensor. */
export function packScan(runtime: Runtime, op: string, args: Owned<ScanArgs, WebGpuTensor>): PackedScan {
  const { tensor, at } = pack(runtime, op, [args.A, args.D, args.deltaBias, args.range]);
  const [, skip_at = absentOffset, bias_at = absentOffset, range_at = absentOffset] = at;
  return { tensor, params: { skip_at, bias_at, range_at, softplus: args.deltaSoftplus ? 1 : 0 } };
}
