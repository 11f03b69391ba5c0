import type { DType, HostArray, Shape } from "../dtype.ts";
import type * as definitions from "../ops/index.ts";
import type { AllOps } from "../ops/interface.ts";
import type { TensorResidual } from "../ops/residual.ts";
import type { Residual, Tensor } from "../tensor.ts";

/** An argument of an op with every tensor in it replaced by the backend's own tensor type `T`. */
export type Owned<A, T extends Tensor> = A extends Tensor
  ? T
  : A extends Residual
    ? TensorResidual<T>
    : A extends HostArray
      ? A
      : A extends readonly (infer E)[]
        ? readonly Owned<E, T>[]
        : A extends object
          ? { [K in keyof A]: Owned<A[K], T> }
          : A;

/** The sizes of one call, from the op's `check`. */
export type Sizes<K extends keyof AllOps> = ReturnType<(typeof definitions)[K]["check"]>;

/**
 * A backend's implementation of one op. It runs after the checks, on an open kernel, with tensors that belong to it.
 *
 * @param runtime the state of the backend: memory, device, commands
 * @param sizes result of the op's check; undefined for ops that need none
 * @param args the arguments of the call, in order
 */
export type OpImplementation<K extends keyof AllOps, R, T extends Tensor> = (
  runtime: R,
  sizes: Sizes<K>,
  ...args: OwnedAll<Parameters<AllOps[K]>, T>
) => ReturnType<AllOps[K]>;

type OwnedAll<A extends readonly unknown[], T extends Tensor> = { [I in keyof A]: Owned<A[I], T> };

/** All ops of a backend: `import * as ops` of its ops folder, with `satisfies OpTable<…>`. */
export type OpTable<R, T extends Tensor> = {
  readonly [K in keyof AllOps]: OpImplementation<K, R, T>;
} & {
  /** A new dense tensor with a copy of `data`, whose type and length are checked. Blocks of quantised types are repacked here. */
  upload(runtime: R, data: HostArray, shape: Shape, dtype: DType): T;
  /** A new dense tensor of zeros. */
  zeros(runtime: R, shape: Shape, dtype: DType): T;
};
