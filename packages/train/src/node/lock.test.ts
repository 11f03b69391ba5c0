import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
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

/** Starts a process that does nothing until it is killed. */
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

/** Writes the lock file of another owner. */
const writeLock = (owner: object) =>
  writeFile(path, JSON.stringify({ host: hostname(), id: "another lock", ...owner }));
const inUse = (message: string) =>
  expect(Lock.acquire(path)).rejects.toMatchObject({
    code: "IN_USE",
    message: expect.stringContaining(message) as string,
  });

test("one owner at a time, also within one process", async () => {
  const lock = await Lock.acquire(path);
  await inUse(`in use by process ${process.pid}`);
  expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ pid: process.pid, host: hostname() });
  await lock.release();
  await lock.release();
  expect(await readdir(join(path, ".."))).toEqual([]);
  await (await Lock.acquire(path)).release();
});

test("the lock of a running process is valid, that of a killed one is stale", async () => {
  const { pid, kill } = await sleeper();
  await writeLock({ pid });
  await inUse(`in use by process ${pid}`);
  await kill();
  const lock = await Lock.acquire(path);
  expect(await readdir(join(path, ".."))).toEqual(["lock"]);
  await lock.release();
});

test.runIf(process.platform === "linux")("a reused process id is another process", async () => {
  const { pid, kill } = await sleeper();
  await writeLock({ pid, start: "another boot 17" });
  await (await Lock.acquire(path)).release();
  await kill();
});

test("a lock of an earlier process with the id of this one is stale", async () => {
  await writeLock({ pid: process.pid });
  await (await Lock.acquire(path)).release();
});

test("a lock of a process on another machine is valid", async () => {
  await writeLock({ pid: 1, host: "elsewhere" });
  await inUse("in use by process 1 on elsewhere; if that process has exited, delete");
});

test.each(["", "{", "[]", '{"pid":-1,"host":"a","id":"b"}'])("%j is not a valid lock", async (content) => {
  await writeFile(path, content);
  await (await Lock.acquire(path)).release();
});

test("a process that was killed while it deleted a stale lock disturbs nobody", async () => {
  const { pid, kill } = await sleeper();
  await kill();
  for (const name of ["lock", "lock.removing", "lock.removing.removing"]) {
    await writeFile(join(path, "..", name), JSON.stringify({ host: hostname(), id: `old ${name}`, pid }));
  }
  const lock = await Lock.acquire(path);
  expect(await readdir(join(path, ".."))).toEqual(["lock"]);
  await lock.release();
  await writeFile(`${path}.removing`, ""); // by another program, or cut short by a crash of the machine
  await writeLock({ pid });
  await (await Lock.acquire(path)).release();
  expect(await readdir(join(path, ".."))).toEqual([]);
});

test("a stale lock that a running process is deleting is not deleted twice", async () => {
  const { pid, kill } = await sleeper();
  await writeLock({ pid: process.pid });
  await writeFile(`${path}.removing`, JSON.stringify({ host: hostname(), id: "its deletion", pid }));
  await inUse("other processes are acquiring its lock now");
  expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ id: "another lock" });
  await kill();
  await (await Lock.acquire(path)).release();
});

test.each([
  ["folder", () => mkdir(path)],
  ["symbolic link", () => symlink("nowhere", path)],
] as const)("a %s in the place of the lock is named, and stays", async (kind, make) => {
  await make();
  await inUse(`lock is a ${kind} and not a lock file; remove it`);
  expect(await readdir(join(path, ".."))).toEqual(["lock"]);
});

const noMkfifo = spawnSync("mkfifo", ["--version"]).error !== undefined;
test.skipIf(noMkfifo)(
  `a pipe in the place of the lock is named, and nothing hangs${noMkfifo ? " (there is no mkfifo)" : ""}`,
  async () => {
    await promisify(execFile)("mkfifo", [path]);
    await inUse("lock is a special file and not a lock file; remove it");
  },
);

test.each([1, 2, 3, 4, 5])(
  "of many at once one acquires the lock, and the stale lock is deleted",
  async () => {
    await writeLock({ pid: process.pid });
    const taken = await Promise.allSettled(Array.from({ length: 8 }, () => Lock.acquire(path)));
    const locks = taken.filter((result) => result.status === "fulfilled");
    expect(locks).toHaveLength(1);
    for (const result of taken) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "IN_USE" });
    }
    expect(await readdir(join(path, ".."))).toEqual(["lock"]);
    await locks[0]!.value.release();
  },
);
