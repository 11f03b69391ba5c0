import { beforeAll, expect, test } from "vitest";
import { opcodes, ruleFor } from "./opcodes/all.mjs";
import { parseModule } from "./parse.mjs";
import { bitsOf, kernelOf, valueOf, type Case } from "./test/cases.ts";
import { approximateCases } from "./test/approximateCases.ts";
import { floatCases } from "./test/floatCases.ts";
import { integerCases } from "./test/integerCases.ts";
import { otherCases } from "./test/otherCases.ts";
import { kernelCases, prelude } from "./test/kernels.ts";
import { available, skipAll } from "../test/available.ts";
import { header, standIn, type Outcome } from "./test/run.ts";

const cases = [...integerCases, ...floatCases, ...approximateCases, ...otherCases];
const warp = 32;

/** Each row is a thread; the last one fills up the warps. */
const rowsOf = ({ rows }: Case) =>
  Array.from({ length: Math.ceil(rows.length / warp) * warp }, (_, i) => rows[Math.min(i, rows.length - 1)]!);

if (available) {
  let outcome: Outcome;

  beforeAll(async () => {
    const run = await standIn("opcodes", cases.map((each, i) => kernelOf(each, `case_${i}`)).join("\n"));
    outcome = run(
      cases.map((each, i) => {
        const rows = rowsOf(each);
        const input = rows.flatMap((row) =>
          Array.from({ length: 4 }, (_, k) =>
            k < each.inputs.length ? bitsOf(each.inputs[k]!, row[k]!) : 0n,
          ),
        );
        return { kernel: `case_${i}`, threads: rows.length, results: 2 * rows.length, input };
      }),
    );
  });

  test("every case ran", () => {
    expect(outcome.report).toBe("");
    expect(outcome.succeeded).toBe(true);
  });

  test.each(cases.map((each, i) => [each.code, each, i] as const))("%s", (_, each, i) => {
    let farthest = 0;
    let bounded = 0;
    rowsOf(each).forEach((row, thread) => {
      const given = row.slice(0, each.inputs.length);
      each.results.forEach((type, k) => {
        const got = valueOf(type, outcome.outputs[i]![2 * thread + k]!);
        const wanted = row[given.length + k]!;
        const allowed = each.within(Number(wanted));
        if (allowed === 0) {
          const exactly = typeof got === "bigint" ? valueOf(type, bitsOf(type, wanted)) : wanted;
          expect(got, `of ${given.join(", ")}`).toBe(exactly);
        } else {
          const off = Math.abs(Number(got) - Number(wanted)) / allowed;
          expect(off, `of ${given.join(", ")}, ${got}: error over its bound`).toBeLessThanOrEqual(1);
          farthest = Math.max(farthest, off);
          bounded++;
        }
      });
    });
    // Bounds that were exact would hide a result that PTX leaves open.
    if (bounded > warp) expect(farthest).toBeGreaterThan(0.4);
  });
} else skipAll("PTX's opcodes");

test("every form of every opcode is among the tests", () => {
  const texts = cases.map((each, i) => kernelOf(each, `case_${i}`)).join("") + prelude;
  const module = parseModule(header + texts + kernelCases.map(({ ptx }) => ptx).join(""));
  const used = new Set(
    module.functions
      .flatMap(({ body }) => body?.statements ?? [])
      .map((statement) => statement.kind === "instruction" && ruleFor(statement)),
  );
  const unused = [...opcodes.values()].flat().filter((rule) => !used.has(rule));
  expect(unused.map(({ opcode, form }) => [opcode, ...form.map(({ name }) => name)].join(" "))).toEqual([]);
});
