import { type HostArray, KernelError } from "@mamba/kernel";
import { type DeviceFacts, everyStorage, OpsKernel, type OpTable } from "@mamba/kernel/author";
import { Arena, type ArenaTensor } from "./arena.ts";
import * as ops from "./referenceOps.ts";

type Ops = OpTable<Arena, ArenaTensor>;

const table: Ops = ops;

/** The smallest complete backend: the float64 loops over one arena. Every op is done when its call returns. */
export class ReferenceKernel extends OpsKernel<ArenaTensor, Arena> {
  readonly name = "reference";
  readonly lost = new Promise<KernelError>(() => undefined);

  /**
   * @param replacements other implementations of some ops
   * @param facts other capabilities
   */
  constructor(replacements: Partial<Ops> = {}, arena = new Arena(), facts: Partial<DeviceFacts> = {}) {
    super(
      arena,
      { ...table, ...replacements },
      {
        device: "float64 loops",
        storage: everyStorage,
        activations: "f32",
        maxTensorBytes: 16 * 1024 * 1024,
        maxBytes: undefined,
        batchInvariant: true,
        ...facts,
      },
    );
  }

  protected override async fetch(tensors: readonly ArenaTensor[]): Promise<HostArray[]> {
    return Promise.resolve(tensors.map((tensor) => tensor.dense()));
  }

  override async sync(): Promise<void> {
    this.runtime.checkOpen("sync");
    return Promise.resolve();
  }

  override async dispose(): Promise<void> {
    this.runtime.close(new KernelError("DISPOSED", "the kernel was disposed"));
    return Promise.resolve();
  }
}
