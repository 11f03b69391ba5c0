import { saveGguf, loadCheckpoint } from "@mamba/checkpoint";
import { byteTokenizer } from "@mamba/core";
import { createCpuKernel } from "@mamba/kernel-cpu";
const kernel = await createCpuKernel();
const { model } = await loadCheckpoint(kernel, "/tmp/pgbig/big.gguf");
await saveGguf(model, "/tmp/pgbig/q8.gguf", { type: "q8_0", tokenizer: byteTokenizer(256) });
await kernel.dispose();
