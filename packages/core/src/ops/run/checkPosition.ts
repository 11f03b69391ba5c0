import { formatShape, type Tensor } from "@mamba/kernel";
import { MambaError } from "../../errors.ts";

/** Returns the extents of `x`. @throws MambaError `INPUT` unless it is [B, L, D] */
export function checkRows(op: string, x: Tensor): readonly [batch: number, length: number, width: number] {
  const [batch = 0, length = 0, width = 0] = x.shape;
  if (x.shape.length === 3) return [batch, length, width];
  throw new MambaError("INPUT", `${op}: x must be [B, L, D], got ${formatShape(x.shape)}`);
}

/** @throws MambaError `INPUT` unless `position` is a whole number from 0 to `last` */
export function checkPosition(op: string, position: number, last: number): void {
  if (Number.isInteger(position) && position >= 0 && position <= last) return;
  throw new MambaError(
    "INPUT",
    `${op}: a position must be a whole number from 0 to ${last}, got ${position}`,
  );
}
