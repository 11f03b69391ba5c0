#pragma once

#include <cstdint>

#include "kernel.h"

namespace cuda_host {

/** The state of a device thread. */
enum class At : uint8_t { NotStarted, Running, Barrier, WarpBarrier, Shuffle, Ballot, Returned };

/** Waits until all lanes of the current warp are in the same call at the same place; returns the values of all 32 lanes. */
const uint32_t* enterWarp(At at, uint32_t mask, uint32_t value, Where where);

}  // namespace cuda_host
