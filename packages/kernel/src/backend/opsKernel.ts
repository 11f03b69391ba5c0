import { checkBytes, checkStored, checkUpload } from "../checks/memory.ts";
import { checkAlive } from "../checks/tensors.ts";
import { byteLength, type DType, type HostArray, quantizedTypes, type Shape } from "../dtype.ts";
import { KernelError } from "../errors.ts";
import type { Capabilities, TrainingKernel } from "../kernel.ts";
import type { OpDefinition } from "../op.ts";
import * as definitions from "../ops/index.ts";
import type { AllOps, KernelOp } from "../ops/interface.ts";
import type { Tensor } from "../tensor.ts";
import { checkOwned } from "./checkOwned.ts";
import type { DeviceTensor, SharedMemory } from "./deviceTensor.ts";
import type { OpTable } from "./opTable.ts";
import type { TensorOwner } from "./tensorOwner.ts";

type Implementation = (runtime: unknown, sizes: unknown, ...args: unknown[]) => unknown;

// A copy: an object is faster than the namespace of a module in code that runs for each op of each token.
const allDefinitions = { ...definitions } satisfies { readonly [K in keyof AllOps]: OpDefinition<AllOps[K]> };
const opNames = Object.keys(allDefinitions) as (keyof AllOps)[];

/** A class with one method per op, each of which passes its arguments to `call`. */
abstract class OpMethods {
  protected abstract call(op: keyof AllOps, args: readonly unknown[]): unknown;

  static {
    for (const op of opNames) {
      Object.defineProperty(OpMethods.prototype, op, {
        value(this: OpMethods, ...args: unknown[]) {
          return this.call(op, args);
        },
      });
    }
  }
}

const Base = OpMethods as unknown as abstract new () => OpMethods & AllOps;

/** The storage types that every backend has. */
export const basicStorage: ReadonlySet<DType> = new Set<DType>(["f32", "f16", "bf16", "i32"]);

/** All storage types. */
export const everyStorage: ReadonlySet<DType> = new Set<DType>([...basicStorage, ...quantizedTypes]);

/** The capabilities in which backends differ. */
export type DeviceFacts = Pick<
  Capabilities,
  "device" | "storage" | "activations" | "maxTensorBytes" | "maxBytes" | "maxOperandBytes" | "batchInvariant"
>;

/**
 * A `TrainingKernel` made from a table of ops. For each call it checks the arguments, checks that the kernel is open,
 * checks that the tensors belong to it, raises the version of the memory that the op writes in place, and then runs the
 * backend's implementation with its own tensors and the sizes.
 *
 * A backend adds its name, `fetch`, `sync` and `dispose`, and `storedBytes` if it stores quantised types in another order. Every
 * op is supported, and equal inputs give equal bits.
 */
export abstract class OpsKernel<T extends DeviceTensor, R extends TensorOwner<SharedMemory, T>>
  extends Base
  implements TrainingKernel
{
  abstract readonly name: string;
  abstract readonly lost: Promise<KernelError>;
  readonly capabilities: Capabilities;
  /** @internal */
  readonly runtime: R;
  readonly #ops: OpTable<R, T>;

  /**
   * @param facts the capabilities in which backends differ
   */
  protected constructor(runtime: R, ops: OpTable<R, T>, facts: DeviceFacts) {
    super();
    this.runtime = runtime;
    this.#ops = { ...ops };
    this.capabilities = { training: true, deterministic: true, ...facts };
  }

  /** Dense host copies of the backend's own tensors, after all work enqueued so far. */
  protected abstract fetch(tensors: readonly T[]): Promise<HostArray[]>;
  abstract sync(): Promise<void>;
  abstract dispose(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  supports(op: KernelOp, dtype: DType): boolean {
    const definition: OpDefinition | undefined = allDefinitions[op];
    if (definition === undefined) return false;
    if (dtype === "f32") return true;
    return dtype !== "i32" && definition.weightStorage === "any" && this.capabilities.storage.has(dtype);
  }

  memory(): { readonly tensors: number; readonly bytes: number } {
    return this.runtime.memory;
  }

  upload(data: HostArray, shape: Shape, dtype: DType): Tensor {
    this.#checkAllocation("upload", shape, dtype);
    checkUpload(data, shape, dtype);
    this.runtime.checkOpen("upload");
    return this.#ops.upload(this.runtime, data, [...shape], dtype);
  }

  zeros(shape: Shape, dtype: DType): Tensor {
    this.#checkAllocation("zeros", shape, dtype);
    this.runtime.checkOpen("zeros");
    return this.#ops.zeros(this.runtime, [...shape], dtype);
  }

  storedBytes(dtype: DType, shape: Shape): number {
    checkStored("storedBytes", shape, dtype, this.capabilities.storage);
    return byteLength(dtype, shape);
  }

  #checkAllocation(op: string, shape: Shape, dtype: DType): void {
    const { storage, maxTensorBytes } = this.capabilities;
    checkStored(op, shape, dtype, storage);
    checkBytes(op, shape, dtype, this.storedBytes(dtype, shape), maxTensorBytes);
  }

  columns(x: Tensor, start: number, count: number): Tensor {
    return this.runtime.columns(x, start, count);
  }

  rows(x: Tensor, start: number, count: number): Tensor {
    return this.runtime.rows(x, start, count);
  }

  reshape(x: Tensor, shape: Shape): Tensor {
    return this.runtime.reshape(x, shape);
  }

  async read(...tensors: Tensor[]): Promise<HostArray[]> {
    this.runtime.checkOpen("read");
    const sources = tensors.map((tensor, i) => {
      checkAlive("read", `tensor ${i}`, tensor);
      return this.runtime.own("read", `tensor ${i}`, tensor);
    });
    return this.fetch(sources);
  }

  protected call(op: keyof AllOps, args: readonly unknown[]): unknown {
    const { check, parameters, writes } = allDefinitions[op] as OpDefinition<(...args: unknown[]) => unknown>;
    const { runtime } = this;
    const sizes = check(...args);
    runtime.checkOpen(op);
    for (let i = 0; i < args.length; i++) checkOwned(runtime, op, parameters[i] ?? "argument", args[i]);
    const implementation = this.#ops[op] as Implementation | undefined;
    if (implementation === undefined) {
      throw new KernelError("UNSUPPORTED", `${op}: the ${this.name} backend does not have this op`);
    }
    if (writes) markWritten(op, writes(...args) as readonly T[]);
    return implementation(runtime, sizes, ...args);
  }
}

/** Raises the versions of the memory that an op writes. @throws KernelError `ARGUMENT` when it writes one memory twice */
function markWritten(op: string, written: readonly DeviceTensor[]): void {
  const [first, second] = written;
  const isShared =
    written.length === 2 // cachedAttention, for each token: without a list and a set
      ? first?.storage === second?.storage
      : new Set(written.map(({ storage }) => storage)).size < written.length;
  if (isShared) throw new KernelError("ARGUMENT", `${op}: the tensors that it writes must not share memory`);
  for (const { storage } of written) storage.version++;
}
