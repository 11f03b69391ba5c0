import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildSource } from "../cuda-host/build.mjs";
import { available, skipAll } from "../cuda-host/test/available.ts";
import { pack } from "./pack.mjs";
import type { Row } from "./rows.ts";

// The packed folder for machines with a GPU, run on the stand-in for the driver and without a driver.

if (available) {
  const out = mkdtempSync(join(tmpdir(), "gpu-check-test-"));
  const script = join(out, "gpu-check/run.sh");
  const noVulkan = { VK_ICD_FILENAMES: "/nonexistent/icd.json", VK_DRIVER_FILES: "/nonexistent/icd.json" };
  let standIn: Record<string, string>;

  beforeAll(async () => {
    await pack({ out, node: false, ptxOnly: true });
    const driver = await buildSource();
    // The stand-in's cuBLAS is in the same file. PyTorch is never used, also where it is installed.
    standIn = {
      MAMBA_CUDA_DRIVER: driver,
      MAMBA_CUDA_BLAS: driver,
      PYTHON: "/nonexistent/python",
      ...noVulkan,
    };
  });
  afterAll(() => {
    rmSync(out, { recursive: true, force: true });
  });

  function check(args: readonly string[], env: Record<string, string>) {
    return spawnSync(script, args, { cwd: out, encoding: "utf8", env: { ...process.env, ...env } });
  }

  function rowsIn(folder: string): Map<string, Row> {
    const { rows } = JSON.parse(readFileSync(join(out, folder, "gpu-check.json"), "utf8")) as { rows: Row[] };
    return new Map(rows.map((row) => [row.name, row]));
  }

  test("checks, measures and prints one table", () => {
    const { status, stdout } = check(["--small", "--filter", "rmsNorm", "--out", "good"], standIn);
    expect(stdout).toMatch(/^sizes +SMALL: .*no figure below says anything about speed$/m);
    expect(stdout).toMatch(/^device +stand-in \(no GPU\).*cuBLAS$/m);
    expect(stdout).toMatch(/^conformance +\d+ passed, 0 failed, \d+ skipped, \d+ left out$/m);
    expect(stdout).toMatch(/^same bits +\d+ passed, 0 failed, 0 skipped, \d+ left out$/m);
    expect(stdout).toMatch(
      /^training beside the CPU: a language model +losses within \S+e-\d+, .* 20 steps$/m,
    );
    expect(stdout).toMatch(/^copy +[\d.]+ .?B\/s$/m);
    expect(stdout).toMatch(/^scan B=1 L=40 ED=48 N=16 forward +[\d.]+ .?s +\d+ % of copy/m);
    expect(stdout).toMatch(/^scan B=1 L=40 ED=48 N=16 backward +[\d.]+ .?s +\d+ % of copy/m);
    expect(stdout).toMatch(/^tiny decode B=1 f16 +[\d.]+ tokens\/s +\d+ % of weight bytes/m);
    expect(stdout).toMatch(/^ssdScan .* +[\d.]+ .?s +\d+ % of (copy|matmul f32)$/m);
    expect(stdout).toMatch(/^expertLinear .* +[\d.]+ .?s +\d+ % of (copy|matmul f32)$/m);
    expect(stdout).toMatch(/^tiny prefill L=40 f32 +[\d.]+ tokens\/s +\d+ % of matmul f32$/m);
    expect(stdout).toMatch(/^linear without cuBLAS +\d+ passed, 0 failed/m);
    expect(stdout).toMatch(/^WebGPU: Vulkan +.*, driver \/nonexistent\/icd.json$/m);
    expect(stdout).toMatch(/^WebGPU: device +NOT RUN: .*no adapter.* \(NO_DEVICE\)$/m);
    expect(stdout).toMatch(/^webgpu-models +NOT RUN: there is no WebGPU device to run it on$/m);
    expect(stdout).toMatch(/^PyTorch, mamba_ssm +NOT RUN: no Python with a PyTorch that sees a GPU/m);
    expect(stdout).toMatch(/^compute-sanitizer +NOT RUN: .*this is the stand-in/m);
    expect(status).toBe(0);

    const rows = rowsIn("good");
    expect(rows.get("conformance")?.figures).toMatchObject({ failed: 0 });
    expect(rows.get("conformance")?.figures?.["passed"]).toBeGreaterThan(40);
    const scan = rows.get("scan B=1 L=40 ED=48 N=16 forward")?.figures;
    // u, delta, z, y; B, C; A, D and the bias.
    expect(scan?.["bytes"]).toBe(4 * (40 * 48 * 4 + 40 * 16 * 2 + 48 * 16 + 48 * 2));
    const copyRate = rows.get("copy")?.figures?.["rate"] ?? NaN;
    expect(scan?.["ofCopy"]).toBeCloseTo((scan?.["bytes"] ?? NaN) / (scan?.["seconds"] ?? NaN) / copyRate, 9);
    const written = readFileSync(join(out, "good/gpu-check.md"), "utf8");
    for (const name of rows.keys()) expect(written).toContain(`| ${name} | `);
  });

  const driver = process.env["VK_ICD_FILENAMES"] ?? process.env["VK_DRIVER_FILES"];
  const webGpu = driver ? test : test.skip;
  webGpu(`WebGPU has its suite and its figures${driver ? "" : " (VK_ICD_FILENAMES names no driver)"}`, () => {
    const only =
      "ceilings,webgpu,webgpu-conformance,webgpu-training,webgpu-ceilings,webgpu-scans,webgpu-models";
    const env = { ...standIn, VK_ICD_FILENAMES: String(driver), VK_DRIVER_FILES: String(driver) };
    const args = ["--small", "--filter", "rmsNorm", "--only", only, "--out", "webgpu"];
    const { status, stdout } = check(args, env);
    expect(stdout).toMatch(/^WebGPU: device +WebGPU, .+$/m);
    expect(stdout).toMatch(/^WebGPU: conformance +\d+ passed, 0 failed, \d+ skipped, \d+ left out$/m);
    expect(stdout).toMatch(
      /^WebGPU: training beside the CPU: a language model +losses within \S+e-\d+, .* 20 steps$/m,
    );
    expect(stdout).toMatch(/^WebGPU: copy +[\d.]+ .?B\/s +\d+ % of CUDA's$/m);
    expect(stdout).toMatch(/^WebGPU: matmul f32 +[\d.]+ .?FLOP\/s +\d+ % of CUDA's$/m);
    expect(stdout).toMatch(/^WebGPU: scan B=1 L=40 ED=48 N=16 backward +[\d.]+ .?s +\d+ % of copy/m);
    expect(stdout).toMatch(/^WebGPU: tiny decode B=1 f16 +[\d.]+ tokens\/s +\d+ % of weight bytes/m);
    expect(stdout).toMatch(
      /^WebGPU: tiny decode B=1 q8_0 +[\d.]+ tokens\/s +\d+ % of weight bytes .*\(.+B\)$/m,
    );
    expect(status).toBe(0);
    const rows = rowsIn("webgpu");
    expect(rows.get("WebGPU: conformance")?.figures?.["passed"]).toBeGreaterThan(40);
    const {
      bytes = NaN,
      seconds = NaN,
      ofCopy,
    } = rows.get("WebGPU: scan B=1 L=40 ED=48 N=16 forward")?.figures ?? {};
    const copyRate = rows.get("WebGPU: copy")?.figures?.["rate"] ?? NaN;
    expect(ofCopy).toBeCloseTo(bytes / seconds / copyRate, 9);
  });

  test("a part that fails does not keep the others from running", () => {
    // The device is lost after 100 launches of a process: enough for the scan, too few for the suite or a training.
    const env = { ...standIn, MAMBA_CUDA_HOST: "failLaunch=100" };
    const only = "conformance,training,ceilings,scans";
    const args = ["--small", "--filter", "rmsNorm", "--only", only, "--out", "bad"];
    const { status, stdout } = check(args, env);
    expect(stdout).toMatch(/^conformance +FAILED: \d+ passed, 1 failed/m);
    expect(stdout).toMatch(/^ {2}rmsNorm .*the CUDA device is lost/m);
    expect(stdout).toMatch(/^part training +FAILED: ended with code 1$/m);
    expect(rowsIn("bad").get("scan B=1 L=40 ED=48 N=16 backward")?.state).toBe("ok");
    expect(status).toBe(1);
  });

  test("a run that is cut short keeps what it has found", async () => {
    const args = ["--small", "--only", "ceilings,conformance", "--out", "cut"];
    const child = spawn(script, args, { cwd: out, env: { ...process.env, ...standIn }, stdio: "pipe" });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    const ended = new Promise((resolve) => child.on("close", resolve));
    const progress = () =>
      existsSync(join(out, "cut/gpu-check.json")) ? rowsIn("cut").get("conformance") : undefined;
    while (!progress()) {
      expect(child.exitCode).toBeNull();
      await setTimeout(100);
    }
    const { figures, state } = progress() as Row;
    expect(state).toBe("unfinished");
    expect(figures?.["passed"]).toBeGreaterThan(0);
    child.kill("SIGTERM");
    expect(await ended).toBe(1);
    expect(stdout).toMatch(/^conformance +UNFINISHED: \d+ passed/m);
    expect(stdout).toMatch(/^the run +FAILED: ended by SIGTERM$/m);
  });

  test.each([
    [
      "no driver",
      [],
      { MAMBA_CUDA_DRIVER: "/nonexistent.so" },
      /^no GPU .*\(DRIVER\): .*nonexistent.*Remedy: install/,
    ],
    [
      "no device",
      [],
      { MAMBA_CUDA_HOST: "devices=0" },
      /^no GPU .*\(NO_DEVICE\): .*Remedy: check nvidia-smi/,
    ],
    [
      "an old driver",
      [],
      { MAMBA_CUDA_HOST: "driver=12080" },
      /^no GPU .*\(DRIVER\): .*CUDA 12.8.*Remedy: install/,
    ],
    ["sizes for a GPU", [], {}, /^stand-in .* Remedy: --small$/m],
    ["an unknown part", ["--only", "scans,speed"], {}, /^--only takes conformance, .*; got "speed"$/m],
  ])("%s is refused in one line", (_, args, env, line) => {
    const { status, stdout, stderr } = check(args, { ...standIn, ...env });
    expect(stderr).toMatch(line);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });
} else skipAll("the packed GPU check");
