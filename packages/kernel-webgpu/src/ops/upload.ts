import type { OpTable } from "@mamba/kernel/author";
import { uploadArray } from "../memory/hostArrays.ts";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";

export const upload: OpTable<Runtime, WebGpuTensor>["upload"] = (runtime, data, shape, dtype) =>
  uploadArray(runtime, "upload", data, shape, dtype);
