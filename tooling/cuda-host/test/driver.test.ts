import { beforeAll, describe, expect, test } from "vitest";
import { available, schedules, skipAll } from "./available.ts";
import { buildCheck } from "./check.ts";

const works = [
  ...["vectorAdd", "reduction", "scan", "exchanges", "graphs", "asynchronous", "freshMemory"],
  ...["outOfMemory", "failedLaunch", "refusals"],
];

const stopped: readonly (readonly [what: string, report: RegExp])[] = [
  [
    "readPastEnd",
    /access to memory.*in kernel vectorAdd, block \(2, 0, 0\).*0 bytes after the end of a live/s,
  ],
  ["writePastEnd", /access to memory.*in kernel vectorAdd, block \(2, 0, 0\).*after the end of a live/s],
  ["writeInPadding", /a write beyond the end of an allocation of 252 bytes.*in vectorAdd/s],
  ["useAfterFree", /in kernel vectorAdd.*byte 0 of a freed allocation of 256 bytes/s],
  ["doubleFree", /cuMemFreeAsync.*freed twice/],
  ["freeUnknown", /cuMemFreeAsync.*not the address of an allocation/],
  ["copyPastEnd", /cuMemcpyDtoHAsync of 68 bytes.*has 64 left/],
  ["unknownStream", /cuStreamSynchronize: 0x\w+ is no stream, or one that was destroyed/],
];

if (available) {
  let check: Awaited<ReturnType<typeof buildCheck>>;
  beforeAll(async () => {
    check = await buildCheck("plain");
  });

  describe.each(schedules)("the driver, %s", (schedule) => {
    test.each(works)("%s", async (what) => {
      const { code, said } = await check(what, `schedule=${schedule}`);
      expect(code, said).toBe(0);
    });
  });

  test.each(stopped)("%s is stopped with a report", async (what, report) => {
    const { code, said } = await check(what, "");
    expect(code).toBe("SIGABRT");
    expect(said).toMatch(report);
  });

  test("a run of the random schedule can be repeated", async () => {
    const { said } = await check("scan", "schedule=random-stalls,seed=42");
    expect(said).toContain("MAMBA_CUDA_HOST=schedule=random-stalls,seed=42 repeats them");
  });

  test("an unknown option ends the process", async () => {
    for (const option of ["schedule=sideways", "sede=1", "seed", "seed=", "seed=x"]) {
      const { code, said } = await check("vectorAdd", option);
      expect(code).toBe("SIGABRT");
      expect(said).toContain(`"${option}" is not an option with its value`);
    }
  });
} else skipAll("the driver of the stand-in");
