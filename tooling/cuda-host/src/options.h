// Options and counters for tests. Options come from the environment variable MAMBA_CUDA_HOST, as `name=value` separated by
// commas, and from `mambaCudaHostSet(name, value)`; `mambaCudaHostGet(name)` reads options and counters.
#pragma once

#include <atomic>
#include <cstdint>

namespace cuda_host {

/** The order in which threads run: the choice of the next one each time a thread waits or returns. */
enum Schedule : uint64_t {
  /** The next thread by index: all threads go from one waiting point to the next almost in step. */
  InOrder,
  /** The previous thread by index; blocks and independent graph nodes also run in reverse. */
  Reverse,
  /** One warp runs as far as it can before any other, and the last thread at a barrier continues first. */
  WarpDepthFirst,
  /** A random thread; sometimes a warp is stalled until no other can run. Blocks run in random order. */
  RandomStalls,
};

struct Options {
  std::atomic<uint64_t> schedule{InOrder};
  /** Seed of the random schedule. */
  std::atomic<uint64_t> seed{1};
  /** Number of devices: 1 or 0. */
  std::atomic<uint64_t> devices{1};
  /** CUDA version of the driver: 13000 is 13.0. */
  std::atomic<uint64_t> driver{13000};
  /** Compute capability of the device: 80 is 8.0. */
  std::atomic<uint64_t> capability{80};
  /** Bytes of the device's memory. */
  std::atomic<uint64_t> memory{uint64_t{8} << 30};
  /** The n-th launch after this is set fails, and so does everything after it. 0: no launch fails. */
  std::atomic<uint64_t> failLaunch{0};
  /** Delay of each launch in microseconds. */
  std::atomic<uint64_t> slowLaunch{0};
};

struct Counters {
  /** GPU kernels that ran, including those of graphs. */
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

/** The schedule in words, for the device's name and reports: "random stalls, seed 7". */
const char* scheduleName();

}  // namespace cuda_host
