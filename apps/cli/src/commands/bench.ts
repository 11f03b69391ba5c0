import { backendNames, openBackend } from "../backends/openBackend.ts";
import { createCommand } from "../program/command.ts";
import { usage } from "../program/errors.ts";
import { print, printJson, type Host } from "../program/host.ts";
import { choiceOption } from "../program/options.ts";
import { withProgress } from "../program/progress.ts";

export default (host: Host) =>
  createCommand("bench", "Measure a backend beside what this machine can do at most", [
    "--quick",
    "--filter selectiveScan --json",
    "--backend webgpu --filter decode",
  ])
    .addOption(choiceOption("--backend <name>", "The backend to measure", backendNames).default("cpu"))
    .option("--filter <text>", "Only cases whose name contains this text", "")
    .option("--quick", "Fewer and shorter samples")
    .option("--long", "Also read a prompt of 100 000 tokens (10 000 with --quick)")
    .option("--json", "Print JSON")
    .action(async ({ backend, filter, quick = false, long = false, json }) => {
      const bench = await import("@mamba/bench");
      const { program, signal } = host;
      const benchmarkHost: Parameters<typeof bench.benchmarkCpu>[1] = {
        ...{ program, signal },
        withProgress: (label, run) => withProgress(host, label, run),
      };
      if (backend === "cpu") {
        const result = await bench.benchmarkCpu({ filter, quick, long }, benchmarkHost);
        return json ? printJson(host, result) : print(host, `${bench.describeCpuBenchmark(result)}\n`);
      }
      if (long) throw usage("--long is for the cpu backend");
      const open = () => openBackend({ backend }, host);
      const result = await bench.benchmarkDevice({ backend, open, filter, quick }, benchmarkHost);
      return json
        ? printJson(host, result)
        : print(host, `${bench.describeDeviceBenchmark(result, backend)}\n`);
    });
