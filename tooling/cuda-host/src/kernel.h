// What a compiled kernel and the stand-in know of each other: the registry of kernels, and what a device thread can
// ask of the block that it runs in. Kernels come from .cu files (hostCuda.h) or from PTX; both use only this header.
//
// Execution: one block at a time, each thread of it a fiber on one CPU thread. A fiber runs until it waits (barrier,
// warp barrier, shuffle, ballot) or returns; which one runs next is up to the schedule. One kernel runs at a time in a
// process, so `block` is a plain global.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cuda_host {

struct Dim3 {
  uint32_t x, y, z;
};

/** The running block, and the thread of it that has the CPU now. Read-only for kernels. */
struct BlockContext {
  Dim3 gridDim;
  Dim3 blockDim;
  Dim3 blockIdx;
  Dim3 threadIdx;
  /** Counts blocks over the life of the process; shared memory of an earlier block is stale. Starts at 1. */
  uint64_t serial;
};

extern BlockContext block;

/** A place in a kernel's source, for reports: `file:line`. The file name must live as long as the process. */
struct Where {
  const char* file;
  int line;
};

// Each of the following waits for other threads; a call that cannot complete, because some of those threads returned or
// wait elsewhere (another kind of call, or another place), ends the process with a report of who waits where.

/** `__syncthreads()` / `bar.sync 0`. */
void syncThreads(Where where);

// The following need all 32 lanes of the warp: no kernel of ours uses another mask, and one is a fault.

/** `__syncwarp` / `bar.warp.sync`. */
void syncWarp(uint32_t mask, Where where);

enum class Shuffle { Index, Up, Down, Xor };

/**
 * One 32-bit `shfl.sync`: `operand` is the source lane, the distance or the lane mask; `width` (a power of two) cuts the
 * warp into segments. A lane whose source lies outside of its segment gets its own value, and false in `*inside`.
 */
uint32_t shuffle(Shuffle kind, uint32_t mask, uint32_t value, uint32_t operand, uint32_t width, bool* inside, Where where);

/** `__ballot_sync` / `vote.sync.ballot`. */
uint32_t ballot(uint32_t mask, bool predicate, Where where);

/**
 * One `__shared__` array of a kernel: a static object at its declaration. Its memory lies between guard pages, its end
 * at the second one as closely as `alignment` allows, and is filled with NaN bytes at the start of every block.
 */
struct SharedArray {
  const char* name;
  size_t bytes;
  size_t alignment;
  Where where;
  /** Filled in by `sharedMemory`. */
  void* memory = nullptr;
  uint64_t serial = 0;
};

void* prepareShared(SharedArray& array);

inline void* sharedMemory(SharedArray& array) {
  return array.serial == block.serial ? array.memory : prepareShared(array);
}

/** Ends the process with a report that names the kernel, the block and the thread. */
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

struct KernelEntry {
  /** As `cuModuleGetFunction` looks it up. */
  const char* name;
  /** Of the packed, naturally aligned arguments; a launch with another size is refused. */
  uint32_t argBytes;
  /** From `__launch_bounds__` / `.maxntid`, else 1024. */
  uint32_t maxThreads;
  /** Runs the kernel as the current thread, `block.threadIdx` of `block.blockIdx`. */
  void (*run)(const uint8_t* args);
};

/** Adds a kernel at load time: `static const Registered r(entry);`. Two kernels of one name are a fault. */
struct Registered {
  explicit Registered(const KernelEntry& entry);
};

/** Defined once by the generated code: how these kernels are executed, for the device's name ("source", "PTX"). */
extern const char* const executionLevel;

}  // namespace cuda_host
