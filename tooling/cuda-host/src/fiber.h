// Stacks between guard pages, and the switch from one to another.
#pragma once

#include <cstddef>

namespace cuda_host {

struct Fiber {
  /** Where the fiber goes on: its saved stack pointer, or its ucontext_t. Null while it runs for the first time. */
  void* context = nullptr;
  /** The usable part of the stack; a guard page lies below it. */
  char* stack = nullptr;
  size_t stackBytes = 0;
  /** What AddressSanitizer keeps for it while it does not run. */
  void* fakeStack = nullptr;
};

/** A fiber that runs `entry` when it is first switched to; `entry` must not return. Fibers are never freed. */
Fiber* newFiber(void (*entry)());

/** Makes the calling CPU thread's own stack something to switch back to. */
void adoptThread(Fiber& fiber);

/** Goes on with `to` until something switches back to `from`, which is the fiber that runs now. */
void switchFiber(Fiber& from, Fiber& to);

/** To be called first by the entry of a fiber. */
void fiberStarted();

}  // namespace cuda_host
