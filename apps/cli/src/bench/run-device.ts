import { setImmediate } from "node:timers/promises";
import { openBackend } from "../backend.ts";
import { print, printJson, type Host } from "../host.ts";
import { progress } from "../progress.ts";
import { usage } from "../args.ts";
import { backwardSpecs } from "./backward-specs.ts";
import { describeDecode, describeDevice, plainRates } from "./device-report.ts";
import { measureDecode, measureDevice } from "./device.ts";
import { decode } from "./model-specs.ts";
import { opSpecs } from "./op-specs.ts";

const preset = "mamba-130m";
const decodes = (["f32", "f16"] as const).map((dtype) => ({ dtype, name: decode(preset, dtype, 1).name }));

/** `mamba bench --backend webgpu`: the ops beside plain shaders on the device, and what a decoded token takes. */
export async function benchDevice(
  { filter, quick, json }: { readonly filter: string; readonly quick: boolean; readonly json: boolean },
  host: Host,
): Promise<void> {
  const { WebGpuKernel } = await import("@mamba/kernel-webgpu");
  const open = async () => {
    const kernel = await openBackend("webgpu", undefined, host);
    if (kernel instanceof WebGpuKernel) return kernel;
    throw new TypeError("the backend webgpu gave the kernel of another one");
  };
  const matches = ({ name }: { readonly name: string }) => name.toLowerCase().includes(filter.toLowerCase());
  const all = [...opSpecs, ...backwardSpecs];
  const specs = all.filter(matches);
  const tokens = decodes.filter(matches);
  // The plain shaders and linear beside them are always measured.
  if (filter !== "" && !"plain".includes(filter.toLowerCase()) && specs.length + tokens.length === 0) {
    const names = [...all, ...decodes].map(({ name }) => name);
    throw usage(`no case is called ${JSON.stringify(filter)}; there are ${names.join(", ")}, plain`);
  }
  const watched = async <T>(
    what: string,
    run: (pause: (done: number, total: number) => Promise<void>) => Promise<T>,
  ) => {
    using bar = progress(host, what, String);
    return await run(async (done, total) => {
      bar.update(done, total);
      await setImmediate(); // signals and the bar get their turn
      host.signal.throwIfAborted();
    });
  };
  const measured = await watched("measuring", async (pause) => {
    await using kernel = await open();
    const { device } = kernel.capabilities;
    return { device, ...(await measureDevice(kernel, specs, quick ? 3 : 15, pause)) };
  });
  const figures = [];
  for (const { dtype } of tokens) {
    await using kernel = await open();
    figures.push(
      await watched(`decoding in ${dtype}`, (pause) =>
        measureDecode(kernel, preset, dtype, quick ? 2 : 6, pause),
      ),
    );
  }
  const { device, plain, cases } = measured;
  const rates = plainRates(plain);
  if (json) return printJson(host, { device, rates, plain, cases, decode: figures });
  const versus = (value: number) => (rates.linear / value).toFixed(2);
  const parts = [
    `${device}, Node ${process.version}`,
    describeDevice({ plain, cases }),
    `linear runs at ${versus(rates.blocked)} times the speed of the best plain matmul with blocks in registers, and ` +
      `${versus(rates.tiled)} times that of the tiled one`,
    ...figures.map(describeDecode),
  ];
  return print(host, `${parts.join("\n\n")}\n`);
}
