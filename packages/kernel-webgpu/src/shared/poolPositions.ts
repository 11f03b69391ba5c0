import type { PositionsArgs } from "@mamba/kernel";
import type { PositionSizes } from "@mamba/kernel/author";
import type { BufferArgument } from "../commands/dispatcher.ts";
import type { Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader, type Element, type Shader } from "../shader.ts";
import { positionRanges } from "../wgsl/positionRanges.ts";

/** Channels per workgroup, which are neighbours in memory. */
const channels = 16;
/** Invocations per channel. Each takes every eighth position that counts, so that a sequence has the same bits in any row. */
const lanes = 8;

/** The parts of a shader that pools positions. */
interface Pooling<W extends string> {
  readonly name: string;
  /** WGSL type of the elements of x, and of what an invocation finds. */
  readonly element: Element;
  readonly type: string;
  /** WGSL functions that the other parts call. */
  readonly helpers?: string;
  /** WGSL of what is found in no position. */
  readonly none: string;
  /** WGSL of what `a` becomes with the element `value` of position `at`, and with `b`, what another invocation found. */
  readonly next: string;
  readonly combined: string;
  readonly write: Readonly<Record<W, Element>>;
  /** WGSL that stores the result `a` of sequence s in channel d, which is element i of the outputs. */
  readonly store: string;
}

/** A shader for `poolPositions`. */
export type PoolingShader<W extends string> = Shader<
  "x" | "ids" | "ranges",
  W,
  "length" | "positions" | "channels" | "columnGroups"
>;

/** Creates the shader of an op over the positions of each sequence: one workgroup per sequence and 16 channels. */
export function poolingShader<W extends string>(pooling: Pooling<W>): PoolingShader<W> {
  const { name, element, type, helpers = "", none, next, combined, write, store } = pooling;
  return defineShader({
    name,
    read: { x: element, ids: "i32", ranges: "i32" },
    write,
    params: { length: "u32", positions: "u32", channels: "u32", columnGroups: "u32" },
    workgroup: channels * lanes,
    code: /* wgsl */ `
${positionRanges}
${helpers}
var<workgroup> found: array<${type}, workgroupSize>;
fn run(group: u32, lane: u32) {
  let s = group / p.columnGroups;
  let d = group % p.columnGroups * ${channels}u + lane % ${channels}u;
  let range = rangeOf(s);
  let own = lane / ${channels}u;
  let all = p.ids_stride == 0u;
  var rank = 0u;
  var a = ${none};
  if (d < p.channels) {
    for (var at = range.x + select(0u, own, all); at < range.y; at += select(1u, ${lanes}u, all)) {
      if (!all) {
        if (!counts(at, s)) { continue; }
        rank++;
        if ((rank - 1u) % ${lanes}u != own) { continue; }
      }
      let value = x[p.x_at + at * p.x_stride + d];
      a = ${next};
    }
  }
  found[lane] = a;
  workgroupBarrier();
  if (lane >= ${channels}u || d >= p.channels) { return; }
  for (var k = 1u; k < ${lanes}u; k++) {
    let b = found[lane + k * ${channels}u];
    a = ${combined};
  }
  let i = s * p.channels + d;
  ${store}
}`,
  });
}

/** Runs the op into its outputs, which are [S, D]. */
export function poolPositions<W extends string>(
  runtime: Runtime,
  op: string,
  shader: PoolingShader<W>,
  sizes: PositionSizes,
  { x, sequenceIds: ids, ranges }: Own<PositionsArgs>,
  outputs: Readonly<Record<W, BufferArgument>>,
): void {
  const { batch, length, channels: width, sequences } = sizes;
  const columnGroups = Math.ceil(width / channels);
  const params = { length, positions: batch * length, channels: width, columnGroups };
  const buffers = { x, ids, ranges, ...outputs } as Record<"x" | "ids" | "ranges" | W, BufferArgument>;
  runtime.run(op, shader, buffers, params, sequences * columnGroups);
}
