import type { DType, HostArray, Shape } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";
import { uploaded } from "../upload.ts";

export function upload(runtime: Runtime, data: HostArray, shape: Shape, dtype: DType): CudaTensor {
  return uploaded(runtime, "upload", data, shape, dtype);
}
