/// <reference lib="webworker" />
import { runConformance } from "@mamba/conformance";
import { openCpuKernel } from "../../src/create.ts";
import { createCpuKernel } from "../../src/index.ts";

// Runs the suite inside a worker: sends the names of its tests, then runs each test whose name it receives.

/** A message from the worker to the page. */
export type Message =
  | { readonly names: readonly string[]; readonly device: string; readonly isolated: boolean }
  | { readonly ran: string; readonly error: string | undefined };

const tests = new Map<string, () => Promise<void>>();
const say = (message: Message): void => {
  postMessage(message);
};

onmessage = ({ data }: MessageEvent<string>) => {
  const body = tests.get(data) ?? (() => Promise.reject(new Error(`there is no test "${data}"`)));
  body().then(
    () => {
      say({ ran: data, error: undefined });
    },
    (error: unknown) => {
      say({ ran: data, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    },
  );
};

await runConformance({
  test: (name, body) => tests.set(name, body),
  open: () => openCpuKernel(1),
  openVariants: crossOriginIsolated ? [() => openCpuKernel(2, { shareAbove: 0, wakeAbove: 0 })] : [],
});
const kernel = await createCpuKernel();
const { device } = kernel.capabilities;
await kernel.dispose();
say({ names: [...tests.keys()], device, isolated: crossOriginIsolated });
