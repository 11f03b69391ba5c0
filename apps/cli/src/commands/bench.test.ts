import { expect, test } from "vitest";
import { run } from "../../test/run.ts";

interface Report {
  machine: { backend: string };
  ceilings: Record<"read" | "arithmetic", Record<"oneThread" | "allThreads", number>>;
  figures: {
    name: string;
    threads: number;
    seconds: { median: number; best: number };
    poolGrowthBytes: number;
  }[];
  startup: { firstToken: { median: number; best: number } } | null;
  longPrefill: null;
  peakBytes: number;
}

test("--json gives ceilings and figures for every number of threads", async () => {
  const { code, stdout, stderr } = await run(["bench", "--quick", "--filter=ARGMAX", "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const report = JSON.parse(stdout) as Report;
  expect(report.machine.backend).toMatch(/^WebAssembly SIMD/);
  for (const ceiling of Object.values(report.ceilings)) {
    for (const value of Object.values(ceiling)) expect(value).toBeGreaterThan(1e8);
  }
  expect(new Set(report.figures.map(({ name }) => name))).toEqual(new Set(["argmax B1 V50280"]));
  expect(report.figures[0]?.threads).toBe(1);
  for (const { seconds, poolGrowthBytes } of report.figures) {
    expect(seconds.best).toBeGreaterThan(0);
    expect(seconds.median).toBeGreaterThanOrEqual(seconds.best);
    expect(poolGrowthBytes).toBe(0);
  }
  expect(report).toMatchObject({ startup: null, longPrefill: null });
});

test("prints a table, and the start-up time", async () => {
  const table = await run(["bench", "--quick", "--filter=causalConv1dStep B1"]);
  expect(table.stdout).toMatch(/^streamed read +[\d.]+ GB\/s/m);
  expect(table.stdout).toMatch(
    /^causalConv1dStep B1 D1536 W4 \+bias \+silu +f32 +1 +[\d.]+ µs +[\d.]+ µs .* % .* % +bytes$/m,
  );
  const startup = await run(["bench", "--quick", "--filter=start-up"]);
  expect(startup.stdout).toMatch(/^start-up to the first token of the tiny model: [\d.]+ m?s, best/m);
});

test("a filter that finds nothing is a usage error that lists the cases", async () => {
  const { code, stderr } = await run(["bench", "--filter=nothing"]);
  expect(code).toBe(2);
  expect(stderr).toContain("selectiveScan B1 L2048 D1536 N16");
});

test("measures training steps and backward ops, whose memory does not grow", async () => {
  for (const filter of ["training step", "causalConv1dBackward"]) {
    const { code, stdout } = await run(["bench", "--quick", "--json", `--filter=${filter}`]);
    expect(code).toBe(0);
    const { figures } = JSON.parse(stdout) as Report;
    expect(figures.length).toBeGreaterThan(0);
    for (const { name, seconds, poolGrowthBytes } of figures) {
      expect(name).toContain(filter);
      expect(seconds.best).toBeGreaterThan(0);
      expect(poolGrowthBytes).toBe(0);
    }
  }
});
