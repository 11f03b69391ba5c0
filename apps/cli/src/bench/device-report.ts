import { formatBytes, formatRate, formatSeconds, table } from "../format.ts";
import type { DecodeFigure, DeviceFigure, measureDevice } from "./device.ts";

type Measured = Awaited<ReturnType<typeof measureDevice>>;

/** What the plain shaders reached, from medians, in bytes and operations per second. */
export interface PlainRates {
  readonly copy: number;
  readonly tiled: number;
  /** The best of the register-blocked products. */
  readonly blocked: number;
  /** `linear` at their sizes. */
  readonly linear: number;
}

export function plainRates(plain: Measured["plain"]): PlainRates {
  const best = (kind: string, what: "bytes" | "flops") =>
    Math.max(...plain.filter((one) => one.kind === kind).map((one) => one[what] / one.seconds.median));
  return {
    copy: best("copy", "bytes"),
    tiled: best("tiled matmul", "flops"),
    blocked: best("blocked matmul", "flops"),
    linear: best("linear", "flops"),
  };
}

export function describeDevice({ plain, cases }: Measured): string {
  const rates = plainRates(plain);
  const percent = (value: number) => `${(value * 100).toFixed(0)} %`;
  const row = ({ name, weights, seconds, dispatches, bytes, flops }: DeviceFigure) => {
    const [read, made] = [bytes / seconds.median, flops / seconds.median];
    return [
      ...[name, weights, String(dispatches), formatSeconds(seconds.median), formatSeconds(seconds.best)],
      ...[formatRate(read / 1e9), percent(read / rates.copy)],
      ...(flops === 0
        ? ["", "", ""]
        : [formatRate(made / 1e9), percent(made / rates.tiled), percent(made / rates.blocked)]),
    ];
  };
  const header = [
    ...["case", "weights", "dispatches", "median", "best", "GB/s", "of copy"],
    ...["GFLOP/s", "of tiled", "of blocked"],
  ];
  return table([header, ...plain.map(row), ...cases.map(row)], [2, 3, 4, 5, 6, 7, 8, 9]);
}

export function describeDecode(figure: DecodeFigure): string {
  const { name, weights, layers, dispatches, submissions, bytes, seconds, ops, productShare } = figure;
  const lines = [
    `${name} ${weights}: ${dispatches} dispatches (${(dispatches / layers).toFixed(1)} per layer, ${layers} layers), ` +
      `${submissions} command buffers and ${formatBytes(bytes)} per token; ` +
      `${formatSeconds(seconds.median)} median, ${formatSeconds(seconds.best)} best`,
  ];
  if (ops === null || productShare === null)
    return `${lines[0]}\nthe device has no timestamps: nothing by op`;
  const all = ops.reduce((sum, { seconds }) => sum + seconds, 0);
  lines.push(
    `on the device ${formatSeconds(all)}, ${(productShare * 100).toFixed(1)} % of it in products of weights`,
  );
  const rows = ops.map(({ op, dispatches, seconds }) => [
    ...[`  ${op}`, String(dispatches), formatSeconds(seconds), `${((100 * seconds) / all).toFixed(1)} %`],
  ]);
  return `${lines.join("\n")}\n${table(rows, [1, 2, 3])}`;
}
