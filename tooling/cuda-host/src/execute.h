// Runs the blocks of a launch one after another on the calling CPU thread.
#pragma once

#include <cstdint>

#include "kernel.h"

namespace cuda_host {

/** Waits until no other GPU kernel runs, then runs this one until every thread of every block has returned. */
void execute(const KernelEntry& kernel, Dim3 grid, Dim3 block, const uint8_t* args);

/** The GPU kernel that this CPU thread is executing, or null. */
const KernelEntry* executing();

}  // namespace cuda_host
