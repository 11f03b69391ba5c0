// Fibers: stacks between guard pages, and switches between them.
#pragma once

#include <cstddef>

namespace cuda_host {

struct Fiber {
  /** The saved stack pointer or ucontext_t of a fiber that does not run. Null until the first switch away from it. */
  void* context = nullptr;
  /** The usable memory of the stack, with a guard page below it. */
  char* stack = nullptr;
  size_t stackBytes = 0;
  /** AddressSanitizer's state of a fiber that does not run. */
  void* fakeStack = nullptr;
};

/** A fiber that runs `entry` when it is first switched to; `entry` must not return. Fibers are never freed. */
Fiber* newFiber(void (*entry)());

/** Makes the calling CPU thread's own stack a fiber, so that others can switch back to it. */
void adoptThread(Fiber& fiber);

/** Switches from the running fiber `from` to `to`. Returns when another fiber switches back to `from`. */
void switchFiber(Fiber& from, Fiber& to);

/** The entry function of a fiber must call this first. */
void fiberStarted();

}  // namespace cuda_host
