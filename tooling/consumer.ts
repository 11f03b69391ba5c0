import { generate, MambaLM } from "@mamba/core";
import { type KernelCandidate, openKernel, probeKernel } from "@mamba/kernel";

// A program of a project outside this workspace: builds a small model on each backend that works here, and generates a token.
// The packed test compiles and runs it there.

const candidates: KernelCandidate[] = [
  { name: "webgpu", load: () => import("@mamba/kernel-webgpu") },
  { name: "cpu", load: () => import("@mamba/kernel-cpu") },
];

const written: { backend: string; ids: number[] }[] = [];
for (const candidate of candidates) {
  const { availability } = await probeKernel(candidate);
  if (!availability.ok) continue;
  const kernel = await openKernel([candidate]);
  const model = MambaLM.init(kernel, { dModel: 16, nLayers: 2, vocabSize: 50 }, 1);
  const ids: number[] = [];
  for await (const token of generate(model, [3, 1, 4], { maxTokens: 1, seed: 7 })) ids.push(token.id);
  written.push({ backend: kernel.name, ids });
  model.dispose();
  await kernel.dispose();
}
console.log(JSON.stringify(written));
