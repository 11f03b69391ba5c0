import { usage } from "../program/errors.ts";

const most = 2 ** 24;

/**
 * A list of lengths or widths: `256,1000` as they are, `64..1024` doubling from the first to at most the last.
 *
 * @throws CliError `USAGE`
 */
export function parseLengths(text: string, option: string): number[] {
  return text.split(",").flatMap((entry) => {
    const [first = NaN, last = first, ...rest] = entry.split("..").map((limit) => {
      return /^\d+$/.test(limit.trim()) ? Number(limit) : NaN;
    });
    if (rest.length > 0 || !(first >= 1 && last >= first && last <= most)) {
      throw usage(
        `--${option} must be like 256, 256,1000 or 64..1024, each from 1 to ${most}, got ${JSON.stringify(text)}`,
      );
    }
    const lengths = [];
    for (let length = first; length <= last; length *= 2) lengths.push(length);
    return lengths;
  });
}
