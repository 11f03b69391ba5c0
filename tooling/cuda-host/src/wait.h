#pragma once

#include <cstdint>

#include "kernel.h"

namespace cuda_host {

/** What a device thread is at. */
enum class At : uint8_t { NotStarted, Running, Barrier, WarpBarrier, Shuffle, Ballot, Returned };

/** Waits until all lanes of the current thread's warp are at `at` in the same place; returns what each of the 32 brought. */
const uint32_t* enterWarp(At at, uint32_t mask, uint32_t value, Where where);

}  // namespace cuda_host
