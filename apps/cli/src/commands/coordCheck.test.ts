import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as Core from "@mamba/core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { run } from "../../test/run.ts";
import type { Fit } from "../coordinates/fit.ts";

/** Replaces `paramGroups` for the optimizer. */
const broken = vi.hoisted(() => ({ rule: undefined as undefined | typeof Core.paramGroups }));
vi.mock("@mamba/core", async (load) => {
  const core = await load<typeof Core>();
  const groups: typeof Core.paramGroups = (specs, rates) => (broken.rule ?? core.paramGroups)(specs, rates);
  return { ...core, paramGroups: groups };
});
afterEach(() => (broken.rule = undefined));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mamba-coordinates-"));
});
afterAll(() => rm(folder, { recursive: true }));

vi.setConfig({ testTimeout: 180_000 });

/** Two widths in some seconds. */
const quick = ["coord-check", "--widths=64,256", "--steps=4", "--layers=1", "--threads=1"];

test("is flat with muP and grows without, and draws both", async () => {
  const plot = join(folder, "plot.svg");
  const { code, stdout, stderr } = await run([...quick, "--json", "--plot", plot]);
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("with muP flat: ") as string,
  });
  const { widths, fits } = JSON.parse(stdout) as { widths: number[]; fits: Fit[] };
  expect(widths).toEqual([64, 256]);
  const last = (parametrization: string, module: string) => {
    const fit = fits.find((one) => one.parametrization === parametrization && one.module === module);
    return { size: fit?.sizeSlopes.at(-1) ?? NaN, change: fit?.changeSlopes.at(-1) ?? NaN };
  };
  const modules = fits.filter(({ parametrization }) => parametrization === "mup").map(({ module }) => module);
  expect(modules).toEqual([
    "embeddings",
    ...["in_proj", "conv1d", "x_proj", "dt_proj", "scan", "out_proj", "residual"].map(
      (name) => `layers.0.${name}`,
    ),
    "logits",
  ]);
  for (const module of modules) {
    expect(Math.abs(last("mup", module).size), module).toBeLessThan(0.25);
    expect(Math.abs(last("mup", module).change), module).toBeLessThan(0.25);
    // Only the table of embeddings is as it is under muP.
    if (module !== "embeddings") expect(last("standard", module).change, module).toBeGreaterThan(0.5);
  }
  expect(last("standard", "layers.0.out_proj").size).toBeGreaterThan(1);
  const svg = await readFile(plot, "utf8");
  expect(svg.match(/<polyline/g)).toHaveLength(2 * modules.length);
  expect(svg).not.toMatch(/NaN|Infinity/);
});

test("prints a table, and needs muP's learning rates", async () => {
  broken.rule = (specs, { lr, weightDecay }) => [
    { names: specs.map(({ name }) => name), lr, weightDecay }, // one rate for all
  ];
  const { code, stdout, stderr } = await run(quick);
  expect(stdout).toMatch(/^mup +size@0 .* size@4 +change@1 .* change@4$/m);
  expect(stdout).toMatch(/^standard +size@0/m);
  expect(stdout).toMatch(/^logits +- +-?\d\.\d\d/m); // 0 before the first step: no slope
  expect(code).toBe(1);
  const complaint =
    /^mamba: with muP every slope must be within 0\.25 of 0, but .* has (\d\.\d+) \[NOT_FLAT\]\n$/;
  expect(stderr).toMatch(complaint);
  expect(Number(complaint.exec(stderr)?.[1])).toBeGreaterThan(0.75);
});

test.each(["64", "128,64", "64,64", "many"])("refuses the widths %s", async (widths) => {
  const { code, stderr } = await run(["coord-check", `--widths=${widths}`]);
  expect(code).toBe(2);
  expect(stderr).toContain("--widths must be");
});
