import type { OpTable } from "@mamba/kernel/author";
import { uploadArray } from "../hostArrays.ts";
import type { Runtime } from "../runtime.ts";
import type { WebGpuTensor } from "../tensor.ts";

export const upload: OpTable<Runtime, WebGpuTensor>["upload"] = (runtime, data, shape, dtype) =>
  uploadArray(runtime, "upload", data, shape, dtype);
