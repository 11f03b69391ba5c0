import { generate, MambaLM } from "@mamba/core";
import { type Kernel, openKernel } from "@mamba/kernel";

// What a project outside this workspace writes: open the CPU backend, build a small model, generate one token. The
// packed test compiles and runs this file there.

const kernel: Kernel = await openKernel([{ name: "cpu", load: () => import("@mamba/kernel-cpu") }]);
const model = MambaLM.init(kernel, { dModel: 16, nLayers: 2, vocabSize: 50 }, 1);
const ids: number[] = [];
for await (const token of generate(model, [3, 1, 4], { maxTokens: 1, seed: 7 })) ids.push(token.id);
console.log(JSON.stringify({ backend: kernel.name, ids }));
model.dispose();
await kernel[Symbol.asyncDispose]();
