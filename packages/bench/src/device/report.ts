import { formatBytes, formatRate, formatSeconds, table } from "@mamba/display";
import {
  type DecodeFigure,
  type DeviceBenchmark,
  type DeviceFigure,
  type ProbeFigure,
  probeRates,
  totalSeconds,
} from "./device.ts";

/** A dispatch, as the backend calls it. */
const units = { webgpu: "dispatches", cuda: "launches" } as const;

/** The result as text, with a table of the probes and cases. */
export function describeDeviceBenchmark(result: DeviceBenchmark, backend: keyof typeof units): string {
  const { device, plain, cases, decode } = result;
  const unit = units[backend];
  return [
    `${device}, Node ${process.version}`,
    describeFigures(plain, cases, unit),
    ...describeLinear(plain),
    ...decode.map((figure) => describeDecode(figure, unit)),
  ].join("\n\n");
}

/** The kinds of probes that are matrix products, except the op `linear` itself. */
function productKinds(probes: readonly ProbeFigure[]): string[] {
  return [
    ...new Set(probes.filter(({ kind, flops }) => flops > 0 && kind !== "linear").map(({ kind }) => kind)),
  ];
}

export function describeFigures(
  probes: readonly ProbeFigure[],
  cases: readonly DeviceFigure[],
  unit: string,
): string {
  const rates = probeRates(probes);
  const products = productKinds(probes);
  const percent = (value: number, kind: string) => `${((100 * value) / (rates[kind] ?? NaN)).toFixed(0)} %`;
  const row = ({ name, weights, seconds, dispatches, bytes, flops }: DeviceFigure) => {
    const [bytesPerSecond, flopsPerSecond] = [bytes / seconds.median, flops / seconds.median];
    return [
      ...[name, weights, String(dispatches), formatSeconds(seconds.median), formatSeconds(seconds.best)],
      ...[formatRate(bytesPerSecond / 1e9), percent(bytesPerSecond, "copy")],
      ...(flops === 0
        ? ["", ...products.map(() => "")]
        : [formatRate(flopsPerSecond / 1e9), ...products.map((kind) => percent(flopsPerSecond, kind))]),
    ];
  };
  const header = [
    ...["case", "weights", unit, "median", "best", "GB/s", "of copy", "GFLOP/s"],
    ...products.map((kind) => `of ${kind}`),
  ];
  const numbers = header.map((_, column) => column).slice(2);
  return table([header, ...probes.map(row), ...cases.map(row)], numbers);
}

/** `linear` beside other matrix products of its sizes, if there are any. */
export function describeLinear(probes: readonly ProbeFigure[]): string[] {
  const rates = probeRates(probes);
  const { linear } = rates;
  if (linear === undefined) return [];
  const each = productKinds(probes).map(
    (kind) => `${(linear / (rates[kind] ?? NaN)).toFixed(2)} times that of the fastest ${kind}`,
  );
  return [`the speed of linear is ${each.join(", ")}`];
}

export function describeDecode(figure: DecodeFigure, unit: string): string {
  const { name, weights, layers, perToken, seconds, ops, productFraction } = figure;
  const counts = Object.entries(perToken).map(([counted, count]) => {
    if (counted === "bytes") return formatBytes(count);
    return `${Number.isInteger(count) ? count : count.toFixed(1)} ${counted}`;
  });
  const perLayer = ((perToken[unit] ?? NaN) / layers).toFixed(1);
  const head =
    `${name} ${weights}, per token: ${counts.join(", ")} (${perLayer} ${unit} per layer, ${layers} layers); ` +
    `${formatSeconds(seconds.median)} median, ${formatSeconds(seconds.best)} best`;
  if (ops === null || productFraction === null)
    return `${head}\nno times by op: the device has no timestamps`;
  const all = totalSeconds(ops);
  const products = `on the device ${formatSeconds(all)}, ${(productFraction * 100).toFixed(1)} % of it in products with weights`;
  const rows = ops.map(({ op, dispatches, seconds }) => [
    ...[`  ${op}`, String(dispatches), formatSeconds(seconds), `${((100 * seconds) / all).toFixed(1)} %`],
  ]);
  return `${head}\n${products}\n${table(rows, [1, 2, 3])}`;
}
