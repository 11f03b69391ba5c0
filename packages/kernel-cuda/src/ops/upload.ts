import { type DType, type HostArray, isQuantized, type Shape } from "@mamba/kernel";
import { writeBlocks } from "../quantized.ts";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";
import { uploaded } from "../upload.ts";

export function upload(runtime: Runtime, data: HostArray, shape: Shape, dtype: DType): CudaTensor {
  if (!isQuantized(dtype)) return uploaded(runtime, "upload", data, shape, dtype);
  const tensor = runtime.result("upload", shape, dtype);
  writeBlocks(runtime, "upload", tensor, 0, data as Uint8Array);
  return tensor;
}
