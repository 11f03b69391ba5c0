import type { Shape } from "@mamba/kernel";
import type { Arena } from "../arena.ts";

type Forward<S, A, R> = (arena: Arena, sizes: S, args: A) => R;

/** `forward`, which keeps a tensor besides the residual: until the residual is disposed, or forever. */
export function keeping<S, A, R extends { readonly residual: { dispose(): void } }>(
  forward: Forward<S, A, R>,
  shape: (sizes: S, args: A) => Shape,
  forever: boolean,
): Forward<S, A, R> {
  return (arena, sizes, args) => {
    const results = forward(arena, sizes, args);
    const kept = arena.allocate("f32", shape(sizes, args));
    const { residual } = results;
    const dispose = residual.dispose.bind(residual);
    residual.dispose = () => {
      dispose();
      if (!forever) kept.dispose();
    };
    return results;
  };
}
