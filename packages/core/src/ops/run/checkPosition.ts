import { MambaError } from "../../errors.ts";

/** @throws MambaError `INPUT` unless `position` is a whole number from 0 to `last` */
export function checkPosition(op: string, position: number, last: number): void {
  if (Number.isInteger(position) && position >= 0 && position <= last) return;
  throw new MambaError(
    "INPUT",
    `${op}: a position must be a whole number from 0 to ${last}, got ${position}`,
  );
}
