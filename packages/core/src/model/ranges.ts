import { MambaError } from "../errors.ts";

/** The real positions of a row: [start, end). The rest is padding. */
export type Range = readonly [start: number, end: number];

/**
 * Turns an attention mask into ranges. `mask` [B][L] holds 1 for real tokens and 0 for padding, on the left or on the right of
 * a row.
 *
 * @throws MambaError `INPUT` when the ones of a row are not contiguous.
 */
export function rangesFromMask(mask: readonly (readonly number[])[]): Range[] {
  return mask.map((row, index) => {
    const start = row.indexOf(1);
    const count = row.reduce((sum, value) => sum + value, 0);
    if (start === -1 && count === 0) return [0, 0];
    if (
      !row.slice(start, start + count).every((value) => value === 1) ||
      row.some((value) => value !== 0 && value !== 1)
    ) {
      throw new MambaError(
        "INPUT",
        `mask row ${index} must be ones in one place and zeros around them, got ${row.join(" ")}`,
      );
    }
    return [start, start + count];
  });
}

/** @throws MambaError `INPUT` unless there is one range per row, within [0, length]. */
export function checkRanges(ranges: readonly Range[], batch: number, length: number): void {
  if (ranges.length !== batch) {
    throw new MambaError(
      "INPUT",
      `there must be one range for each of the ${batch} rows, got ${ranges.length}`,
    );
  }
  ranges.forEach(([start, end], row) => {
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start || end > length) {
      const rule = `whole numbers with 0 <= start <= end <= ${length}`;
      throw new MambaError("INPUT", `range of row ${row} must be ${rule}, got [${start}, ${end})`);
    }
  });
}
