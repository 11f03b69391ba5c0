import { check, checkWhole } from "./checkField.ts";
import type { Fields } from "./mambaConfig.ts";
import { checkPositive } from "./moduleConfig.ts";

/** The heads of a block with a scalar decay for each head. */
interface HeadsConfig {
  readonly dInner: number;
  readonly headDim: number;
  readonly heads: number;
  readonly groups: number;
}

/** The input of `resolveHeads`. */
interface HeadsInput extends Fields<HeadsConfig> {
  readonly dModel: number;
  readonly expand?: number | undefined;
}

/**
 * Fills in what two of `dInner`, `headDim` and `heads` leave open: 64 channels for each head, `expand` (2) times dModel channels.
 *
 * @throws MambaError `CONFIG` unless heads times channels are `dInner` and `groups` divides the heads
 */
export function resolveHeads(input: HeadsInput): HeadsConfig {
  const { dModel, expand = 2, headDim = 64, groups = 1 } = input;
  checkPositive("expand", expand);
  checkWhole("headDim", headDim, 1, 2 ** 20);
  const dInner = input.dInner ?? (input.heads === undefined ? expand * dModel : input.heads * headDim);
  const heads = input.heads ?? dInner / headDim;
  checkWhole("dInner", dInner, 1, 2 ** 20);
  check("headDim", headDim, Number.isInteger(heads), `a divisor of dInner, ${dInner}`);
  checkWhole("heads", heads, 1, 2 ** 20);
  check("heads", heads, heads * headDim === dInner, `dInner / headDim, ${dInner / headDim}`);
  checkWhole("groups", groups, 1, heads);
  check("groups", groups, heads % groups === 0, `a divisor of heads, ${heads}`);
  return { dInner, headDim, heads, groups };
}
