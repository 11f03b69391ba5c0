// Chooses the next thread among those that can run.
#pragma once

#include <cstdint>

namespace cuda_host {

/** The xorshift64* random number generator. */
class Random {
 public:
  explicit Random(uint64_t seed) : state(seed * 0x9e3779b97f4a7c15u | 1) {}

  uint32_t below(uint32_t bound) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return static_cast<uint32_t>(((state * 0x2545f4914f6cdd1du) >> 32) * bound >> 32);
  }

 private:
  uint64_t state;
};

/** The threads of a block that can run: a bit per lane, and a bit per warp that has such lanes. */
struct Ready {
  uint32_t warps;
  uint32_t lanes[32];

  void add(uint32_t warp, uint32_t mask) {
    lanes[warp] |= mask;
    warps |= 1u << warp;
  }
  void remove(uint32_t thread) {
    const uint32_t warp = thread / 32;
    lanes[warp] &= ~(1u << thread % 32);
    if (lanes[warp] == 0) warps &= ~(1u << warp);
  }
};

class Scheduler {
 public:
  Scheduler() : random(1) {}

  /** `salt` is the number of the launch: launches get different random orders, which repeat in another process. */
  void startLaunch(uint64_t salt);
  void startBlock() { stalled = 0; }

  /** The n-th block to run out of `count`. */
  uint64_t blockAt(uint64_t n, uint64_t count);

  /** Chooses one of the ready threads; there must be at least one. `current` is the thread that ran last. */
  uint32_t next(const Ready& ready, uint32_t current);

  /** True when the thread that completes a barrier or a shuffle continues at once. */
  bool keepsGoing() const;

 private:
  uint32_t nextRandom(const Ready& ready, uint32_t current);

  uint64_t schedule = 0;
  Random random;
  uint32_t stalled = 0;
  uint64_t stride = 1;
  uint64_t offset = 0;
};

}  // namespace cuda_host
