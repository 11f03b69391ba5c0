import { setImmediate } from "node:timers/promises";
import { openBackend } from "../backend.ts";
import { print, printJson, type Host } from "../host.ts";
import { progress } from "../progress.ts";
import { usage } from "../args.ts";
import { backwardSpecs } from "./backward-specs.ts";
import { describeDecode, describeDevice, describeLinear, plainRates } from "./device-report.ts";
import { measureDecode, measureDevice, type Device, type Pause } from "./device.ts";
import { decode } from "./model-specs.ts";
import { opSpecs } from "./op-specs.ts";

const preset = "mamba-130m";
const decodes = (["f32", "f16"] as const).map((dtype) => ({ dtype, name: decode(preset, dtype, 1).name }));

/** The backends whose devices are measured, and what a dispatch is called there. */
const deviceBackends = { webgpu: "dispatches", cuda: "launches" } as const;
type DeviceBackend = keyof typeof deviceBackends;

/** What `mamba bench` takes for a device. */
interface DeviceOptions {
  readonly backend: DeviceBackend;
  readonly filter: string;
  readonly quick: boolean;
  readonly json: boolean;
}

/** `mamba bench --backend webgpu|cuda`: the ops beside plain work on the device, and what a decoded token takes. */
export async function benchDevice(
  { backend, filter, quick, json }: DeviceOptions,
  host: Host,
): Promise<void> {
  const open = async <T>(measure: (device: Device) => Promise<T>): Promise<T> => {
    await using kernel = await openBackend(backend, undefined, host);
    using device =
      backend === "webgpu"
        ? (await import("./webgpu-device.ts")).webGpuDevice(kernel)
        : (await import("./cuda-device.ts")).cudaDevice(kernel, quick ? 1024 : 4096);
    return await measure(device);
  };
  const matches = ({ name }: { readonly name: string }) => name.toLowerCase().includes(filter.toLowerCase());
  const all = [...opSpecs, ...backwardSpecs];
  const specs = all.filter(matches);
  const tokens = decodes.filter(matches);
  // What is plain is always measured.
  if (filter !== "" && !"plain".includes(filter.toLowerCase()) && specs.length + tokens.length === 0) {
    const names = [...all, ...decodes].map(({ name }) => name);
    throw usage(`no case is called ${JSON.stringify(filter)}; there are ${names.join(", ")}, plain`);
  }
  const watched = async <T>(what: string, run: (pause: Pause) => Promise<T>) => {
    using bar = progress(host, what, String);
    return await run(async (done, total) => {
      bar.update(done, total);
      await setImmediate(); // signals and the bar get their turn
      host.signal.throwIfAborted();
    });
  };
  const measured = await open((device) =>
    watched("measuring", async (pause) => {
      const { device: name } = device.kernel.capabilities;
      return { name, ...(await measureDevice(device, specs, quick ? 3 : 15, pause)) };
    }),
  );
  const figures = [];
  for (const { dtype } of tokens) {
    figures.push(
      await open((device) =>
        watched(`decoding in ${dtype}`, (pause) =>
          measureDecode(device, preset, dtype, quick ? 2 : 6, pause),
        ),
      ),
    );
  }
  const { name, plain, cases } = measured;
  if (json) {
    return printJson(host, { device: name, rates: plainRates(plain), plain, cases, decode: figures });
  }
  const unit = deviceBackends[backend];
  const parts = [
    `${name}, Node ${process.version}`,
    describeDevice({ plain, cases }, unit),
    ...describeLinear(plain),
    ...figures.map((figure) => describeDecode(figure, unit)),
  ];
  return print(host, `${parts.join("\n\n")}\n`);
}
