import type { SafetensorsFile } from "@mamba/core/safetensors";
import { expect, test } from "vitest";
import { readAhead } from "./readAhead.ts";

/** A file whose byte i is i, which records when each read begins and fails at byte `bad`. */
function countingFile(bad = Infinity) {
  const log: string[] = [];
  const file: Pick<SafetensorsFile, "chunks"> = {
    async *chunks(_, buffer, [start, end] = [0, 0]) {
      log.push(`read ${start}`);
      await Promise.resolve();
      if (start >= bad) throw new RangeError(`bad byte ${start}`);
      const chunk = buffer.subarray(0, end - start);
      yield chunk.map((_, i) => (chunk[i] = start + i)) && chunk;
    },
  };
  return { file, log };
}

const chunks = [0, 4, 8].map((start) => ({ name: "x", range: [start, Math.min(start + 4, 10)] as const }));
const buffers = () => [new Uint8Array(4), new Uint8Array(4)] as const;

test("chunks come in order, and the next read begins before a chunk is used", async () => {
  const { file, log } = countingFile();
  const found: number[][] = [];
  for await (const [{ range }, bytes] of readAhead(file, chunks, buffers())) {
    log.push(`use ${range[0]}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    found.push([...bytes]); // the read of the next chunk has ended, and left these bytes alone
  }
  expect(found).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]); // prettier-ignore
  expect(log).toEqual(["read 0", "read 4", "use 0", "read 8", "use 4", "use 8"]);
});

test("an error of the next chunk arrives after the use of the last good one, or not at all when the caller stops", async () => {
  const used: number[] = [];
  const run = async (stop: boolean) => {
    for await (const [{ range }] of readAhead(countingFile(4).file, chunks, buffers())) {
      used.push(range[0]);
      await new Promise((resolve) => setTimeout(resolve, 5)); // longer than an unhandled rejection takes
      if (stop) return;
    }
  };
  await expect(run(false)).rejects.toThrow("bad byte 4");
  await run(true);
  expect(used).toEqual([0, 0]);
});
