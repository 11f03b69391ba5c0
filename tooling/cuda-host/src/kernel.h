// The interface between compiled GPU kernels and the stand-in: registration, and the functions that a device thread calls. GPU
// kernels come from .cu files (hostCuda.h) or from PTX; both use only this header.
//
// Blocks are executed one at a time, with a fiber per thread on one CPU thread. A fiber runs until it waits (at a barrier, warp
// barrier, shuffle or ballot) or returns; then the schedule chooses the next one. One GPU kernel runs at a time in a process,
// so `block` is a plain global.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cuda_host {

struct Dim3 {
  uint32_t x, y, z;
};

/** The running block and its running thread. Read-only for GPU kernels. */
struct BlockContext {
  Dim3 gridDim;
  Dim3 blockDim;
  Dim3 blockIdx;
  Dim3 threadIdx;
  /** Number of the block in this process, from 1. Shared memory of an earlier block is stale. */
  uint64_t serial;
};

extern BlockContext block;

/** A place in a GPU kernel's source, for reports: `file:line`. The file name must live as long as the process. */
struct Where {
  const char* file;
  int line;
};

// The following functions wait for other threads. A call that cannot complete, because some of those threads returned or wait
// in another kind of call or at another place, ends the process with a list of the waiting threads.

/** `__syncthreads()` / `bar.sync 0`. */
void syncThreads(Where where);

// The following functions need all 32 lanes of the warp. The GPU kernels use no other mask; another mask is a fault.

/** `__syncwarp` / `bar.warp.sync`. */
void syncWarp(uint32_t mask, Where where);

enum class Shuffle { Index, Up, Down, Xor };

/**
 * One 32-bit `shfl.sync`: `operand` is the source lane, the distance or the lane mask; `width` (a power of two)
 * splits the warp into groups. A lane whose source is outside of its group gets its own value, and false in `*inside`.
 */
uint32_t shuffle(Shuffle kind, uint32_t mask, uint32_t value, uint32_t operand, uint32_t width, bool* inside, Where where);

/** `__ballot_sync` / `vote.sync.ballot`. */
uint32_t ballot(uint32_t mask, bool predicate, Where where);

/**
 * One `__shared__` array of a GPU kernel: a static object at its declaration. Its memory is between guard pages, ends as close
 * to the second one as `alignment` allows, and is filled with NaN bytes at the start of every block.
 */
struct SharedArray {
  const char* name;
  size_t bytes;
  size_t alignment;
  Where where;
  /** Set by `sharedMemory`. */
  void* memory = nullptr;
  uint64_t serial = 0;
};

void* prepareShared(SharedArray& array);

inline void* sharedMemory(SharedArray& array) {
  return array.serial == block.serial ? array.memory : prepareShared(array);
}

/** Ends the process with a report that names the GPU kernel, the block and the thread. */
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

struct KernelEntry {
  /** The name for `cuModuleGetFunction`. */
  const char* name;
  /** Size of the packed, naturally aligned arguments; a launch with another size is refused. */
  uint32_t argBytes;
  /** The bound of `__launch_bounds__` or `.maxntid`, else 1024. */
  uint32_t maxThreads;
  /** Runs the current thread, `block.threadIdx` of `block.blockIdx`. */
  void (*run)(const uint8_t* args);
};

/** Registers a GPU kernel at load time: `static const Registered r(entry);`. A duplicate name is a fault. */
struct Registered {
  explicit Registered(const KernelEntry& entry);
};

/** The code that is executed, for the device's name: "source" or "PTX". The generated code defines it once. */
extern const char* const executionLevel;

}  // namespace cuda_host
