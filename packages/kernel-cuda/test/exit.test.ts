import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { available, skipAll, useStandIn } from "./standIn.ts";

// Programs that import the built package: each must exit by itself, with its exit code and without a signal.

const start = `
  import { Worker } from "node:worker_threads";
  import { createCudaKernel } from "@mamba/kernel-cuda";
  const kernel = await createCudaKernel();
  const x = kernel.upload(new Float32Array(64).fill(1), [64], "f32");
  // Opens a kernel with the same tensor in a thread, then runs \`then\`; resolves with its first message.
  function thread(then) {
    const program = \`
      import { parentPort, workerData } from "node:worker_threads";
      const { createCudaKernel } = await import(workerData);
      const kernel = await createCudaKernel();
      const x = kernel.upload(new Float32Array(64).fill(1), [64], "f32");
      \${then}\`;
    const worker = new Worker(program, { eval: true, workerData: import.meta.resolve("@mamba/kernel-cuda") });
    return new Promise((resolve, reject) => {
      worker.once("message", (message) => resolve({ worker, message }));
      worker.once("error", reject);
      worker.once("exit", (code) => resolve({ worker, message: "exit " + code }));
    });
  }
`;
const hang = "setInterval(() => {}, 1000);";

const endings: readonly [what: string, program: string, output: string, code?: number][] = [
  ["nothing is disposed", "console.log((await kernel.read(kernel.add(x, x)))[0][63])", "2"],
  ["recorded work is never read", "kernel.add(x, x); console.log(1)", "1"],
  ["a sync is pending that nothing awaits", "void kernel.sync(); console.log(1)", "1"],
  ["a read is pending, which the process waits for", "kernel.read(x).then(([a]) => console.log(a[63]))", "1"],
  ["process.exit during a read", "void kernel.read(x); console.log(1); process.exit(3)", "1", 3],
  ["an exception during a read", "void kernel.read(x); console.log(1); throw new Error('meant')", "1", 1],
  ["the kernel is disposed, its tensors are not", "await kernel.dispose(); console.log(1)", "1"],
  [
    "the kernel is garbage",
    `{ let other = await createCudaKernel(); await other.read(other.zeros([64], "f32")); other = undefined; }
     for (let i = 0; i < 5; i++) { gc(); await new Promise(setImmediate); }
     console.log((await kernel.read(x))[0][63])`,
    "1",
  ],
  [
    "the device is lost",
    `await kernel.read(kernel.columns(kernel.zeros([2, 2], "f32"), 0, 1)).catch(({ code }) => console.log(code))`,
    "DEVICE_LOST",
  ],
  [
    "a thread ends without disposing anything",
    "console.log((await thread('parentPort.postMessage((await kernel.read(x))[0][63])')).message)",
    "1",
  ],
  [
    "a thread is terminated during a read",
    `const { worker } = await thread("void kernel.read(x); parentPort.postMessage(0); ${hang}");
     await worker.terminate();
     console.log((await kernel.read(kernel.add(x, x)))[0][63])`,
    "2",
  ],
  [
    "process.exit while threads read",
    `await Promise.all([1, 2, 3].map(() => thread("for (;;) { const r = kernel.read(x); parentPort.postMessage(0); await r; }")));
     void kernel.read(x);
     console.log(1);
     process.exit(0)`,
    "1",
  ],
];

if (available) {
  useStandIn("");
  for (const [what, program, output, code = 0] of endings) {
    test(`a process ends cleanly: ${what}`, { timeout: 60_000 }, async () => {
      const env = { ...process.env };
      // Launches take long enough that the process ends while the device works.
      env["MAMBA_CUDA_HOST"] = output === "DEVICE_LOST" ? "failLaunch=2" : "slowLaunch=100000";
      const result = await new Promise((resolve) => {
        const args = ["--expose-gc", "--input-type=module", "--eval", start + program];
        const cwd = fileURLToPath(new URL("..", import.meta.url));
        execFile(process.execPath, args, { env, cwd, timeout: 30_000 }, (error, stdout, stderr) => {
          const ended = error?.signal ?? error?.code ?? 0;
          resolve({ ended, stdout: stdout.trim(), stderr: code === 0 ? stderr : "" });
        });
      });
      expect(result).toEqual({ ended: code, stdout: output, stderr: "" });
    });
  }
} else skipAll("clean exits");
