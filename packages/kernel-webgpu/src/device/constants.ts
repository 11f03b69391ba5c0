// WebGPU's flags as numbers: the global objects that name them exist in browsers only.

/** GPUBufferUsage */
export const usage = {
  mapRead: 1,
  copySource: 4,
  copyTarget: 8,
  uniform: 64,
  storage: 128,
  queryResolve: 512,
} as const;

/** GPUShaderStage.COMPUTE */
export const computeStage = 4;

/** GPUMapMode.READ */
export const mapRead = 1;
