// What a test can set and read. Options come from the environment variable MAMBA_CUDA_HOST, as `name=value` separated by
// commas, and from `mambaCudaHostSet(name, value)`; `mambaCudaHostGet(name)` reads options and counters.
#pragma once

#include <atomic>
#include <cstdint>

namespace cuda_host {

/** Which thread runs next, at each point where one waits or returns. */
enum Schedule : uint64_t {
  /** The next by index: all threads pass from one waiting point to the next almost in step. */
  InOrder,
  /** The same from the last thread to the first; blocks and independent graph nodes too. */
  Reverse,
  /** One warp runs as far as it can before any other does, and the last to reach a barrier is the first beyond it. */
  WarpDepthFirst,
  /** Any thread; now and then a warp is left out until no other can run. Blocks come in any order. */
  RandomStalls,
};

struct Options {
  std::atomic<uint64_t> schedule{InOrder};
  /** Of the random schedule. */
  std::atomic<uint64_t> seed{1};
  /** How many devices there are: 1 or 0. */
  std::atomic<uint64_t> devices{1};
  /** What the driver says about itself: 13000 is 13.0. */
  std::atomic<uint64_t> driver{13000};
  /** Compute capability of the device: 80 is 8.0. */
  std::atomic<uint64_t> capability{80};
  /** Bytes of the device's memory. */
  std::atomic<uint64_t> memory{uint64_t{8} << 30};
  /** The n-th launch from when this is set fails, and with it everything after it. 0: none. */
  std::atomic<uint64_t> failLaunch{0};
  /** Microseconds that each launch takes longer. */
  std::atomic<uint64_t> slowLaunch{0};
};

struct Counters {
  /** Kernels that ran, those of graphs included. */
  std::atomic<uint64_t> launches{0};
  std::atomic<uint64_t> graphLaunches{0};
  std::atomic<uint64_t> graphInstantiations{0};
  std::atomic<uint64_t> graphUpdates{0};
  std::atomic<uint64_t> allocations{0};
  std::atomic<uint64_t> liveAllocations{0};
  std::atomic<uint64_t> liveBytes{0};
  std::atomic<uint64_t> pinnedBytes{0};
  std::atomic<uint64_t> matmuls{0};
};

extern Options options;
extern Counters counters;

/** For the device's name and reports: "random (seed 7)". */
const char* scheduleName();

}  // namespace cuda_host
