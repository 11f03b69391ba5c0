import { formatBytes, formatRate, formatSeconds, table } from "../format.ts";
import { type DecodeFigure, type DeviceFigure, type PlainFigure, secondsOf } from "./device.ts";

/** The best of each kind of plain cases, from medians: operations per second, or bytes where it makes none. */
export function plainRates(plain: readonly PlainFigure[]): Record<string, number> {
  const rates: Record<string, number> = {};
  for (const { kind, bytes, flops, seconds } of plain) {
    rates[kind] = Math.max(rates[kind] ?? 0, (flops || bytes) / seconds.median);
  }
  return rates;
}

/** The kinds that make products, but for the op itself. */
function productsOf(plain: readonly PlainFigure[]): string[] {
  return [
    ...new Set(plain.filter(({ kind, flops }) => flops > 0 && kind !== "linear").map(({ kind }) => kind)),
  ];
}

/** @param unit what a dispatch is called there */
export function describeDevice(
  { plain, cases }: { readonly plain: readonly PlainFigure[]; readonly cases: readonly DeviceFigure[] },
  unit: string,
): string {
  const rates = plainRates(plain);
  const products = productsOf(plain);
  const percent = (value: number, kind: string) => `${((100 * value) / (rates[kind] ?? NaN)).toFixed(0)} %`;
  const row = ({ name, weights, seconds, dispatches, bytes, flops }: DeviceFigure) => {
    const [moved, made] = [bytes / seconds.median, flops / seconds.median];
    return [
      ...[name, weights, String(dispatches), formatSeconds(seconds.median), formatSeconds(seconds.best)],
      ...[formatRate(moved / 1e9), percent(moved, "copy")],
      ...(flops === 0
        ? ["", ...products.map(() => "")]
        : [formatRate(made / 1e9), ...products.map((kind) => percent(made, kind))]),
    ];
  };
  const header = [
    ...["case", "weights", unit, "median", "best", "GB/s", "of copy", "GFLOP/s"],
    ...products.map((kind) => `of ${kind}`),
  ];
  const numbers = header.map((_, column) => column).slice(2);
  return table([header, ...plain.map(row), ...cases.map(row)], numbers);
}

/** `linear` beside plain products, where there are any of its sizes. */
export function describeLinear(plain: readonly PlainFigure[]): string[] {
  const rates = plainRates(plain);
  const { linear } = rates;
  if (linear === undefined) return [];
  const each = productsOf(plain).map(
    (kind) => `${(linear / (rates[kind] ?? NaN)).toFixed(2)} times that of the fastest ${kind}`,
  );
  return [`the speed of linear is ${each.join(", ")}`];
}

/** @param unit what a dispatch is called there */
export function describeDecode(figure: DecodeFigure, unit: string): string {
  const { name, weights, layers, perToken, seconds, ops, productShare } = figure;
  const counts = Object.entries(perToken).map(([what, count]) => {
    if (what === "bytes") return formatBytes(count);
    return `${Number.isInteger(count) ? count : count.toFixed(1)} ${what}`;
  });
  const perLayer = ((perToken[unit] ?? NaN) / layers).toFixed(1);
  const head =
    `${name} ${weights}, per token: ${counts.join(", ")} (${perLayer} ${unit} per layer, ${layers} layers); ` +
    `${formatSeconds(seconds.median)} median, ${formatSeconds(seconds.best)} best`;
  if (ops === null || productShare === null)
    return `${head}\nwithout timestamps of the device there is nothing by op`;
  const all = secondsOf(ops);
  const share = `on the device ${formatSeconds(all)}, ${(productShare * 100).toFixed(1)} % of it in products of weights`;
  const rows = ops.map(({ op, dispatches, seconds }) => [
    ...[`  ${op}`, String(dispatches), formatSeconds(seconds), `${((100 * seconds) / all).toFixed(1)} %`],
  ]);
  return `${head}\n${share}\n${table(rows, [1, 2, 3])}`;
}
