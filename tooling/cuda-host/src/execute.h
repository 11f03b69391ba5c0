// Runs the blocks of a launch, one after another, on the calling CPU thread.
#pragma once

#include <cstdint>

#include "kernel.h"

namespace cuda_host {

/** Blocks until no other kernel runs; returns when every thread of every block has returned. */
void execute(const KernelEntry& kernel, Dim3 grid, Dim3 block, const uint8_t* args);

/** The kernel that this CPU thread executes now, or null. */
const KernelEntry* executing();

}  // namespace cuda_host
