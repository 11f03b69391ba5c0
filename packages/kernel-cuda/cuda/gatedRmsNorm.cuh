#pragma once
// The RMS norm with a gate. Blocks compute one group of `width` columns of a row.

#include "common.cuh"

struct GatedRows {
  uint32_t groups;
  // Columns of a group.
  uint32_t width;
  uint32_t xStride;
  uint32_t zStride;
  uint32_t normBeforeGate;
};

// The number that is normalised: x silu(z), or x when the norm comes before the gate.
__device__ inline float normedOf(float x, float z, uint32_t normBeforeGate) { return normBeforeGate ? x : x * siluOf(z); }
