#include "schedule.h"

#include <cstdio>

#include "options.h"

namespace cuda_host {

namespace {

uint32_t lowest(uint32_t bits) { return static_cast<uint32_t>(__builtin_ctz(bits)); }
uint32_t highest(uint32_t bits) { return 31 - static_cast<uint32_t>(__builtin_clz(bits)); }

/** Masks of the bits above and below `bit`. */
uint32_t above(uint32_t bit) { return bit == 31 ? 0 : ~0u << (bit + 1); }
uint32_t below(uint32_t bit) { return (1u << bit) - 1; }

/** The next set bit after `bit`, or before it; wraps around. */
uint32_t following(uint32_t bits, uint32_t bit) { return lowest(bits & above(bit) ? bits & above(bit) : bits); }
uint32_t preceding(uint32_t bits, uint32_t bit) { return highest(bits & below(bit) ? bits & below(bit) : bits); }

uint32_t nth(uint32_t bits, uint32_t n) {
  while (n-- > 0) bits &= bits - 1;
  return lowest(bits);
}

uint32_t anyOf(uint32_t bits, Random& random) {
  return nth(bits, random.below(static_cast<uint32_t>(__builtin_popcount(bits))));
}

uint64_t gcd(uint64_t a, uint64_t b) { return b == 0 ? a : gcd(b, a % b); }

}  // namespace

void Scheduler::startLaunch(uint64_t salt) {
  schedule = options.schedule;
  random = Random(options.seed + salt * 1000003);
  stride = 0;
}

uint64_t Scheduler::blockAt(uint64_t n, uint64_t count) {
  if (schedule == Reverse) return count - 1 - n;
  if (schedule != RandomStalls) return n;
  if (stride == 0) {
    // A stride that is coprime to the count visits every block once.
    stride = 1 + random.below(static_cast<uint32_t>(count));
    while (gcd(stride, count) != 1) stride++;
    offset = random.below(static_cast<uint32_t>(count));
  }
  return (offset + n * stride) % count;
}

uint32_t Scheduler::next(const Ready& ready, uint32_t current) {
  const uint32_t warp = current / 32;
  const uint32_t lane = current % 32;
  const uint32_t here = ready.lanes[warp];
  switch (schedule) {
    case Reverse: {
      if (here & below(lane)) return warp * 32 + highest(here & below(lane));
      const uint32_t other = preceding(ready.warps, warp);
      return other * 32 + highest(ready.lanes[other]);
    }
    case WarpDepthFirst: {
      if (here) return warp * 32 + following(here, lane);
      const uint32_t other = following(ready.warps, warp);
      return other * 32 + lowest(ready.lanes[other]);
    }
    case RandomStalls:
      return nextRandom(ready, current);
    default: {
      if (here & above(lane)) return warp * 32 + lowest(here & above(lane));
      const uint32_t other = following(ready.warps, warp);
      return other * 32 + lowest(ready.lanes[other]);
    }
  }
}

uint32_t Scheduler::nextRandom(const Ready& ready, uint32_t current) {
  if ((ready.warps & ~stalled) == 0) stalled = 0;
  uint32_t warp = current / 32;
  const bool stay = ready.lanes[warp] != 0 && !(stalled >> warp & 1) && random.below(4) != 0;
  if (!stay) {
    warp = anyOf(ready.warps & ~stalled, random);
    if (random.below(8) == 0 && (ready.warps & ~stalled & ~(1u << warp)) != 0) {
      stalled |= 1u << warp;
      warp = anyOf(ready.warps & ~stalled, random);
    }
  }
  return warp * 32 + anyOf(ready.lanes[warp], random);
}

bool Scheduler::keepsGoing() const { return schedule == WarpDepthFirst; }

const char* scheduleName() {
  static thread_local char name[64];
  switch (options.schedule.load()) {
    case InOrder:
      return "in order";
    case Reverse:
      return "reverse";
    case WarpDepthFirst:
      return "warp depth first";
    default:
      snprintf(name, sizeof name, "random stalls, seed %llu", static_cast<unsigned long long>(options.seed.load()));
      return name;
  }
}

}  // namespace cuda_host
