/** @type {[string, string][]} */
const indices = [
  ["tid", "threadIdx"],
  ["ntid", "blockDim"],
  ["ctaid", "blockIdx"],
  ["nctaid", "gridDim"],
];

/** PTX's read-only registers of 32 bits, as C++. @type {ReadonlyMap<string, string>} */
export const specialRegisters = new Map([
  ...indices.flatMap(([ptx, field]) =>
    ["x", "y", "z"].map(
      (axis) => /** @type {const} */ ([`%${ptx}.${axis}`, `cuda_host::block.${field}.${axis}`]),
    ),
  ),
  ["%laneid", "laneId()"],
  ["%lanemask_eq", "(1u << laneId())"],
  ["%lanemask_lt", "((1u << laneId()) - 1)"],
  ["%lanemask_le", "((2u << laneId()) - 1)"],
  ["%lanemask_gt", "~((2u << laneId()) - 1)"],
  ["%lanemask_ge", "~((1u << laneId()) - 1)"],
]);
