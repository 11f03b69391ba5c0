import { cpus } from "node:os";
import { setImmediate } from "node:timers/promises";
import { usage } from "../args.ts";
import { backendNames } from "../backend.ts";
import { command } from "../command.ts";
import { formatBytes, formatRate, formatSeconds } from "../format.ts";
import { print, printJson, type Host } from "../host.ts";
import { progress } from "../progress.ts";
import { peakBytes } from "../stats.ts";

/** What is measured besides the cases; `--filter` finds these names too. */
const startupName = "start-up";

export default command({
  name: "bench",
  description: "Measure a backend against what this machine can do at most",
  args: {
    backend: {
      type: "enum",
      options: backendNames,
      default: "cpu",
      description: "What to measure",
    },
    filter: { type: "string", valueHint: "text", description: "Only cases whose name holds this text" },
    quick: { type: "boolean", description: "Fewer and shorter samples" },
    long: { type: "boolean", description: "Also read a prompt of 100 000 tokens (10 000 with --quick)" },
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ backend, filter = "", quick, long, json }, host) {
    if (backend !== "cpu") {
      if (long) throw usage("--long is for the cpu backend");
      const { benchDevice } = await import("../bench/run-device.ts");
      return benchDevice({ backend, filter, quick, json }, host);
    }
    const { bestCeilings, measure, threadCounts } = await import("../bench/measure.ts");
    const { opSpecs } = await import("../bench/op-specs.ts");
    const { backwardSpecs } = await import("../bench/backward-specs.ts");
    const { modelSpecs } = await import("../bench/model-specs.ts");
    const { trainingSpecs } = await import("../bench/training-specs.ts");
    const { describeCeilings, describeFigures, toFigure } = await import("../bench/report.ts");
    const matches = (name: string) => name.toLowerCase().includes(filter.toLowerCase());
    const all = [[...opSpecs, ...backwardSpecs], modelSpecs, trainingSpecs];
    const groups = all.map((specs) => specs.filter(({ name }) => matches(name)));
    const withStartup = matches(startupName);
    if (!withStartup && !long && groups.every((specs) => specs.length === 0)) {
      const names = all.flat().map(({ name }) => name);
      throw usage(
        `no case is called ${JSON.stringify(filter)}; there are ${names.join(", ")}, ${startupName}`,
      );
    }

    // First, while nothing else has claimed memory.
    const longPrefill = long ? await readLongPrompt(quick ? 10_000 : 100_000, host) : null;
    const startup = withStartup
      ? await (await import("../bench/startup.ts")).measureStartup(host, quick ? 3 : 10)
      : null;

    // Ceilings are taken before, between and after the cases, and the best counts: the machine is not ours alone.
    const effort = quick ? { rounds: 3, sampleSeconds: 0.02 } : { rounds: 11, sampleSeconds: 0.1 };
    let ceilings = await bestCeilings(quick ? 2 : 5);
    const timings = [];
    for (const specs of groups) {
      if (specs.length === 0) continue;
      using bar = progress(host, "measuring", String);
      timings.push(
        ...(await measure(specs, effort, async (done, total) => {
          bar.update(done, total);
          await setImmediate(); // signals and the bar get their turn
          host.signal.throwIfAborted();
        })),
      );
      ceilings = await bestCeilings(quick ? 2 : 5, ceilings);
    }
    const figures = timings.map((timing) => toFigure(timing, ceilings));
    const machine = {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      threads: Math.max(...threadCounts()),
      backend: await describeBackend(),
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    };
    const peak = peakBytes();
    if (json) return printJson(host, { machine, ceilings, figures, startup, longPrefill, peakBytes: peak });

    const { cpu, threads, node, platform } = machine;
    const parts = [
      `${cpu}, ${threads} threads, Node ${node}, ${platform}\n${machine.backend}`,
      describeCeilings(ceilings, threads),
    ];
    if (figures.length > 0) parts.push(describeFigures(figures));
    if (startup) {
      const { firstToken } = startup;
      parts.push(
        `start-up to the first token of the tiny model: ${formatSeconds(firstToken.median)}, ` +
          `best ${formatSeconds(firstToken.best)}`,
      );
    }
    if (longPrefill) {
      const { tokens, seconds, tokensPerSecond, bytesAboveWeights, poolGrowthBytes } = longPrefill;
      parts.push(
        `mamba-130m prefill of ${tokens} tokens in chunks of 512: ${formatSeconds(seconds)}, ` +
          `${formatRate(tokensPerSecond)} tokens/s, ${formatBytes(bytesAboveWeights)} above the weights ` +
          `(${formatBytes(poolGrowthBytes)} of it in the kernel)`,
      );
    }
    parts.push(`peak memory of the process: ${formatBytes(peak)}`);
    return print(host, `${parts.join("\n\n")}\n`);
  },
});

/** The build of the cpu backend that this engine takes. */
async function describeBackend(): Promise<string> {
  const { createCpuKernel } = await import("@mamba/kernel-cpu");
  await using kernel = await createCpuKernel();
  return kernel.capabilities.device;
}

async function readLongPrompt(tokens: number, host: Host) {
  const { measureLongPrefill } = await import("../bench/long-prefill.ts");
  using bar = progress(host, "reading a long prompt", String);
  return await measureLongPrefill(tokens, host.signal, (done, total) => bar.update(done, total));
}
