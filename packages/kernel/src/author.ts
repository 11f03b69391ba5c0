// The half of the package for authors of a backend: see docs/write-a-backend.md.

export { DeviceTensor, type SharedMemory } from "./backend/deviceTensor.ts";
export { basicStorage, type DeviceFacts, everyStorage, OpsKernel } from "./backend/opsKernel.ts";
export type { OpImplementation, OpTable, Owned, Sizes } from "./backend/opTable.ts";
export { sizeClass } from "./backend/sizeClass.ts";
export { TensorOwner } from "./backend/tensorOwner.ts";
export { rowCount } from "./checks/tensors.ts";
export type { OpDefinition } from "./op.ts";
export { dropoutKeeps } from "./ops/dropout.ts";
export * as definitions from "./ops/index.ts";
export { AttentionResidual, ScanResidual, SsdResidual, TensorResidual } from "./ops/residual.ts";
export type {
  AttentionSizes,
  ConvSizes,
  PositionSizes,
  ScanSizes,
  SequenceSizes,
  SsdSizes,
} from "./ops/sizes.ts";
