import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Lock } from "./lock.ts";

let base: string;
let path: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-lock-"));
});
afterAll(() => rm(base, { recursive: true }));
beforeEach(async () => {
  path = join(await mkdtemp(join(base, "folder-")), "lock");
});

/** A process that does nothing until it is killed. */
async function sleeper() {
  const child = spawn(process.execPath, ["-e", "console.log('up'); setInterval(() => {}, 1000)"]);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const kill = () =>
    new Promise((resolve) => {
      child.once("close", resolve);
      child.kill("SIGKILL");
    });
  return { pid: child.pid as number, kill };
}

const leave = (owner: object) =>
  writeFile(path, JSON.stringify({ host: hostname(), id: "of another", ...owner }));
const inUse = (message: string) =>
  expect(Lock.take(path)).rejects.toMatchObject({
    code: "IN_USE",
    message: expect.stringContaining(message) as string,
  });

test("one at a time has it, also in one process", async () => {
  const lock = await Lock.take(path);
  await inUse(`process ${process.pid} has it`);
  expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ pid: process.pid, host: hostname() });
  await lock.release();
  await lock.release();
  expect(await readdir(join(path, ".."))).toEqual([]);
  await (await Lock.take(path)).release();
});

test("a running process keeps it, a killed one does not", async () => {
  const { pid, kill } = await sleeper();
  await leave({ pid });
  await inUse(`process ${pid} has it`);
  await kill();
  const lock = await Lock.take(path);
  expect(await readdir(join(path, ".."))).toEqual(["lock"]);
  await lock.release();
});

test.runIf(process.platform === "linux")("a number that is used again is another process", async () => {
  const { pid, kill } = await sleeper();
  await leave({ pid, start: "another boot 17" });
  await (await Lock.take(path)).release();
  await kill();
});

test("an earlier process with the number of this one has ended", async () => {
  await leave({ pid: process.pid });
  await (await Lock.take(path)).release();
});

test("what a process on another machine does is not known", async () => {
  await leave({ pid: 1, host: "elsewhere" });
  await inUse("process 1 on elsewhere has it; if that has ended, remove");
});

test.each(["", "{", "[]", '{"pid":-1,"host":"a","id":"b"}'])("%j is no lock", async (content) => {
  await writeFile(path, content);
  await (await Lock.take(path)).release();
});

test("a lock that is being removed is left to whoever removes it", async () => {
  await leave({ pid: process.pid });
  await writeFile(`${path}.removing`, "");
  await inUse(`if none is, remove ${path}.removing`);
  await rm(`${path}.removing`);
  await (await Lock.take(path)).release();
});

test.each([1, 2, 3, 4, 5])("of many at once one gets it, and what was left over is gone", async () => {
  await leave({ pid: process.pid });
  const taken = await Promise.allSettled(Array.from({ length: 8 }, () => Lock.take(path)));
  const locks = taken.filter((result) => result.status === "fulfilled");
  expect(locks).toHaveLength(1);
  for (const result of taken) {
    if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "IN_USE" });
  }
  expect(await readdir(join(path, ".."))).toEqual(["lock"]);
  await locks[0]!.value.release();
});
