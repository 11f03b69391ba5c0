import type { Kernel } from "@mamba/kernel";
import { type BenchmarkHost, nameFilter, noCase } from "../benchmarkCase.ts";
import { decodeCase } from "../cases/models.ts";
import { opCases } from "../cases/ops.ts";
import { type DecodeFigure, type Device, type DeviceBenchmark, probeRates } from "./device.ts";
import { measureDecode } from "./measureDecode.ts";
import { measureDevice } from "./measureDevice.ts";

const preset = "mamba-130m";
const decodes = (["f32", "f16", "q8_0", "q4_0", "q4_k"] as const).map((dtype) => ({
  dtype,
  name: decodeCase(preset, dtype, 1).name,
}));

export interface DeviceBenchmarkOptions {
  readonly backend: "webgpu" | "cuda";
  /** Opens a kernel of that backend. */
  readonly open: () => Promise<Kernel>;
  /** Only cases whose name contains this text. The probes are always measured; "plain" selects nothing else. */
  readonly filter: string;
  /** Fewer samples. */
  readonly quick: boolean;
}

/**
 * Measures ops beside probes on a device, and the work of one decoded token.
 *
 * @throws MambaError `OPTIONS` when the filter selects nothing
 */
export async function benchmarkDevice(
  { backend, open, filter, quick }: DeviceBenchmarkOptions,
  { withProgress }: BenchmarkHost,
): Promise<DeviceBenchmark> {
  const selects = nameFilter(filter);
  const cases = opCases.filter(({ name }) => selects(name));
  const selectedDecodes = decodes.filter(({ name }) => selects(name));
  if (cases.length + selectedDecodes.length === 0 && !selects("plain")) {
    throw noCase(filter, [...[...opCases, ...decodes].map(({ name }) => name), "plain"]);
  }
  const withDevice = async <T>(measure: (device: Device) => Promise<T>): Promise<T> => {
    await using kernel = await open();
    // Loaded only for its own backend.
    using device =
      backend === "webgpu"
        ? (await import("./webGpuDevice.ts")).webGpuDevice(kernel)
        : (await import("./cudaDevice.ts")).cudaDevice(kernel, quick ? 1024 : 4096);
    return await measure(device);
  };
  const measured = await withDevice((device) =>
    withProgress("measuring", async (pause) => {
      const { device: name } = device.kernel.capabilities;
      return { name, ...(await measureDevice(device, cases, quick ? 3 : 15, pause)) };
    }),
  );
  const decode: DecodeFigure[] = [];
  for (const { dtype } of selectedDecodes) {
    const figure = await withDevice((device) =>
      withProgress(`decoding in ${dtype}`, (pause) =>
        measureDecode(device, preset, dtype, quick ? 2 : 6, pause),
      ),
    );
    decode.push(figure);
  }
  const { name, probes, cases: figures } = measured;
  return { device: name, rates: probeRates(probes), plain: probes, cases: figures, decode };
}
