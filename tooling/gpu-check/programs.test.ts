import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scanName } from "@mamba/bench";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { measurePeers } from "./peers.ts";
import { runProgram } from "./programs.ts";
import { encodeRow, type Row } from "./rows.ts";
import { sanitize } from "./sanitizer.ts";
import { smallSizes } from "./sizes.ts";

// The programs that the check starts, replaced by scripts.

describe.skipIf(process.platform !== "linux")("programs that the check starts", () => {
  const bin = mkdtempSync(join(tmpdir(), "gpu-check-programs-"));
  const suite: Row = { name: "watched", state: "ok", result: "3 passed, 0 failed" };
  const shell = (script: string) => ({ command: "/bin/sh", args: ["-c", script] });
  const printed = (...rows: Row[]) => `printf '%s' '${rows.map(encodeRow).join("")}'\n`;

  function install(name: string, script: string): string {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}`, { mode: 0o755 });
    return join(bin, name);
  }

  async function rowsOf(run: (emit: (row: Row) => void) => Promise<unknown>): Promise<Map<string, Row>> {
    const rows = new Map<string, Row>();
    await run((row) => rows.set(row.name, row));
    return rows;
  }

  beforeAll(() => {
    vi.stubEnv("PATH", `${bin}:${process.env["PATH"] ?? ""}`);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(bin, { recursive: true });
  });
  afterEach(() => {
    vi.stubEnv("PYTHON", undefined);
  });

  test("one that hangs is killed with all that it started, and its rows stay", async () => {
    const wait = `"${process.execPath}" -e "setTimeout(() => {}, 600000)"`;
    const program = shell(`${printed(suite)} ${wait} & ${wait}`);
    const rows = await rowsOf(async (emit) => {
      expect((await runProgram({ ...program, seconds: 0.5 }, emit)).failure).toBe("not done after 0.5 s");
    });
    expect(rows.get("watched")).toEqual(suite);
  });

  test("the last output of one that crashes is kept", async () => {
    const program = shell("echo first; echo last >&2; kill -ABRT $$");
    const { failure, output } = await runProgram({ ...program, seconds: 60 }, () => undefined);
    expect(failure).toBe("ended by SIGABRT");
    expect([...output].sort()).toEqual(["first", "last"]);
  });

  test("one that does not exist is a failure", async () => {
    const program = { command: join(bin, "none"), args: [], seconds: 60 };
    expect((await runProgram(program, () => undefined)).failure).toContain("ENOENT");
  });

  test("compute-sanitizer runs the suite under each tool, and an error that it finds is a failure", async () => {
    // Like the real one: the tool's name, options, then the program; an exit code of its own after an error.
    install(
      "compute-sanitizer",
      `[ "$1" = --version ] && exit 0
      tool=$2; shift 6; "$@"
      if [ $tool = racecheck ]; then echo "========= Error: race in selectiveScan"; exit 9; fi`,
    );
    const rows = await rowsOf((emit) => sanitize(() => shell(printed(suite)), 240, false, emit));
    expect([...rows.keys()]).toEqual(
      ["memcheck", "initcheck", "racecheck", "synccheck"].map((tool) => `compute-sanitizer ${tool}`),
    );
    expect(rows.get("compute-sanitizer memcheck")).toMatchObject({
      ...{ state: "ok", result: "3 passed, 0 failed; no errors" },
    });
    expect(rows.get("compute-sanitizer racecheck")).toMatchObject({
      ...{ state: "failed", result: "3 passed, 0 failed; ended with code 9" },
      details: ["========= Error: race in selectiveScan"],
    });
  });

  test("compute-sanitizer fails when no test ran", async () => {
    install("compute-sanitizer", "exit 0");
    const rows = await rowsOf((emit) => sanitize(() => shell(""), 240, false, emit));
    expect(rows.get("compute-sanitizer memcheck")).toMatchObject({ state: "failed" });
  });

  test("PyTorch's figures stand beside ours", async () => {
    const [scan] = smallSizes.scans;
    const name = `${scanName(scan as (typeof smallSizes.scans)[number])} forward`;
    const theirs: Row = { name: `mamba_ssm: ${name}`, state: "ok", result: "", figures: { seconds: 3e-3 } };
    const not: Row = { name: `mamba_ssm: copy`, state: "not run", result: "out of memory" };
    vi.stubEnv("PYTHON", install("python-with-torch", `[ "$1" = -c ] || ${printed(theirs, not)}`));
    const ours: Row = { name, state: "ok", result: "2 ms", figures: { seconds: 2e-3 } };
    const found = (asked: string) => (asked === name ? ours : undefined);
    const rows = await rowsOf((emit) => measurePeers("scan_torch.py", smallSizes, 60, found, emit));
    expect([...rows.values()]).toEqual([
      { ...theirs, result: "3.00 ms", beside: "ours is 1.50 times as fast" },
      not,
    ]);
  });

  test("PyTorch that fails is a failure", async () => {
    vi.stubEnv("PYTHON", install("python-that-fails", `[ "$1" = -c ] || { echo Traceback >&2; exit 1; }`));
    const rows = await rowsOf((emit) => measurePeers("scan_torch.py", smallSizes, 60, () => undefined, emit));
    expect([...rows.values()]).toEqual([
      { name: "PyTorch, mamba_ssm", state: "failed", result: "ended with code 1", details: ["Traceback"] },
    ]);
  });
});
