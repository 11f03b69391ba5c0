#include "execute.h"

#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "fiber.h"
#include "options.h"
#include "schedule.h"
#include "wait.h"

namespace cuda_host {

BlockContext block;

namespace {

const char* nameOf(At at) {
  switch (at) {
    case At::NotStarted:
      return "not started";
    case At::Running:
      return "running";
    case At::Barrier:
      return "wait at __syncthreads";
    case At::WarpBarrier:
      return "wait at __syncwarp";
    case At::Shuffle:
      return "wait at a shuffle";
    case At::Ballot:
      return "wait at a ballot";
    default:
      return "returned";
  }
}

struct Thread {
  At at;
  Where where;
  Fiber* fiber;
};

/** Values that the lanes of a warp exchange. A lane is at most one exchange ahead of another, so two buffers suffice. */
struct Warp {
  uint32_t arrived;
  uint32_t exchange;
  bool mixed;
  uint32_t values[2][32];
};

constexpr uint32_t wholeWarp = 0xffffffff;

// State of the running launch. It belongs to the CPU thread that holds `running`.
std::mutex running;
const KernelEntry* kernel;
const uint8_t* arguments;
uint64_t launchNumber;
Scheduler scheduler;
Ready ready;
Thread threads[1024];
Warp warps[32];
uint32_t threadCount;
uint32_t current;
uint32_t returned;
uint32_t atBarrier;
Where barrierPlace;
bool mixedBarrier;
Fiber outside;
// Never destroyed: a GPU kernel may run while the process exits.
std::vector<Fiber*>& idle = *new std::vector<Fiber*>;
thread_local bool executesHere = false;

bool samePlace(Where a, Where b) { return a.line == b.line && (a.file == b.file || strcmp(a.file, b.file) == 0); }

std::string ranges(const std::vector<uint32_t>& numbers) {
  std::string text;
  int printed = 0;
  for (size_t first = 0; first < numbers.size();) {
    size_t last = first;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) last++;
    if (++printed > 8) return text + ", ...";
    if (!text.empty()) text += ", ";
    text += std::to_string(numbers[first]);
    if (last > first) text += "-" + std::to_string(numbers[last]);
    first = last + 1;
  }
  return text;
}

/** Lists waiting threads, a line per place: "threads 0-31: wait at __syncthreads, scan.cu:45". */
std::string whoWaitsWhere() {
  std::string text;
  std::vector<bool> listed(threadCount, false);
  // Threads that were released and have not run since.
  for (uint32_t i = 0; i < threadCount; i++)
    if (ready.lanes[i / 32] >> i % 32 & 1 && threads[i].at != At::NotStarted) threads[i].at = At::Running;
  for (uint32_t first = 0; first < threadCount; first++) {
    if (listed[first]) continue;
    std::vector<uint32_t> same;
    const Thread& one = threads[first];
    const bool waits = one.at != At::Returned && one.at != At::Running && one.at != At::NotStarted;
    for (uint32_t i = first; i < threadCount; i++) {
      if (threads[i].at != one.at || (waits && !samePlace(threads[i].where, one.where))) continue;
      listed[i] = true;
      same.push_back(i);
    }
    text += "\n  threads " + ranges(same) + ": " + nameOf(one.at);
    if (waits) text += std::string(", ") + one.where.file + ":" + std::to_string(one.where.line);
  }
  return text;
}

void setCurrent(uint32_t thread) {
  current = thread;
  block.threadIdx = {thread, 0, 0};
}

void threadLoop();

void startThread(uint32_t thread, Fiber* fiber) {
  threads[thread].fiber = fiber;
  threads[thread].at = At::Running;
}

/** Returns the fiber of a thread; a thread that has not started gets an idle or a new fiber. */
Fiber& fiberFor(uint32_t thread) {
  if (threads[thread].at == At::NotStarted) {
    Fiber* fiber;
    if (idle.empty()) {
      fiber = newFiber(threadLoop);
    } else {
      fiber = idle.back();
      idle.pop_back();
    }
    startThread(thread, fiber);
  }
  threads[thread].at = At::Running;
  return *threads[thread].fiber;
}

void checkProgress() {
  if (ready.warps != 0) return;
  fail("no thread can go on: only some of the threads reached a barrier or a shuffle%s", whoWaitsWhere().c_str());
}

/** Runs other threads until the schedule returns to the current one. */
void switchAway() {
  checkProgress();
  const uint32_t before = current;
  const uint32_t next = scheduler.next(ready, current);
  if (next == before) {
    threads[before].at = At::Running;
    return;
  }
  setCurrent(next);
  switchFiber(*threads[before].fiber, fiberFor(next));
}

/** The loop of a fiber: runs threads to their end, one after another, in the order of the schedule. */
void threadLoop() {
  fiberStarted();
  for (;;) {
    kernel->run(arguments);
    const uint32_t finished = current;
    Fiber* here = threads[finished].fiber;
    threads[finished].at = At::Returned;
    ready.remove(finished);
    returned++;
    if (returned == threadCount) {
      idle.push_back(here);
      switchFiber(*here, outside);
      continue;
    }
    checkProgress();
    const uint32_t next = scheduler.next(ready, finished);
    setCurrent(next);
    if (threads[next].at == At::NotStarted) {
      startThread(next, here);
    } else {
      idle.push_back(here);
      switchFiber(*here, fiberFor(next));
    }
  }
}

void runBlock() {
  block.serial++;
  ready = {};
  const uint32_t warpCount = threadCount / 32;
  for (uint32_t i = 0; i < threadCount; i++) threads[i].at = At::NotStarted;
  for (uint32_t i = 0; i < warpCount; i++) {
    warps[i].arrived = 0;
    warps[i].mixed = false;
    ready.add(i, wholeWarp);
  }
  returned = 0;
  atBarrier = 0;
  mixedBarrier = false;
  scheduler.startBlock();
  // With `InOrder` the successor of the last thread is the first; with `Reverse` the predecessor of the first is the last.
  const uint32_t first = scheduler.next(ready, options.schedule == Reverse ? 0 : threadCount - 1);
  setCurrent(first);
  switchFiber(outside, fiberFor(first));
}

}  // namespace

const uint32_t* enterWarp(At at, uint32_t mask, uint32_t value, Where where) {
  if (mask != wholeWarp) fail("%s:%d: a warp operation with the mask %08x; only all 32 lanes can take part", where.file, where.line, mask);
  Warp& warp = warps[current / 32];
  const uint32_t lane = current % 32;
  uint32_t* values = warp.values[warp.exchange & 1];
  if (warp.arrived != 0) {
    const Thread& other = threads[current / 32 * 32 + static_cast<uint32_t>(__builtin_ctz(warp.arrived))];
    if (other.at != at || !samePlace(other.where, where)) warp.mixed = true;
  }
  values[lane] = value;
  warp.arrived |= 1u << lane;
  threads[current].at = at;
  threads[current].where = where;
  ready.remove(current);
  if (warp.arrived != wholeWarp) {
    switchAway();
    return values;
  }
  if (warp.mixed) fail("lanes of one warp meet at different warp operations%s", whoWaitsWhere().c_str());
  warp.arrived = 0;
  warp.exchange++;
  ready.add(current / 32, wholeWarp);
  if (!scheduler.keepsGoing()) switchAway();
  threads[current].at = At::Running;
  return values;
}

const KernelEntry* executing() { return executesHere ? kernel : nullptr; }

void syncThreads(Where where) {
  Thread& self = threads[current];
  self.at = At::Barrier;
  self.where = where;
  if (atBarrier++ == 0) {
    barrierPlace = where;
    mixedBarrier = false;
  } else if (!samePlace(barrierPlace, where)) {
    mixedBarrier = true;
  }
  ready.remove(current);
  if (atBarrier != threadCount) {
    switchAway();
    return;
  }
  if (mixedBarrier) fail("threads of one block meet at different barriers%s", whoWaitsWhere().c_str());
  atBarrier = 0;
  for (uint32_t i = 0; i < threadCount / 32; i++) ready.add(i, wholeWarp);
  if (!scheduler.keepsGoing()) switchAway();
  self.at = At::Running;
}

void execute(const KernelEntry& entry, Dim3 grid, Dim3 blockDim, const uint8_t* args) {
  const std::lock_guard<std::mutex> lock(running);
  adoptThread(outside);
  executesHere = true;
  kernel = &entry;
  arguments = args;
  block.gridDim = grid;
  block.blockDim = blockDim;
  threadCount = blockDim.x;
  scheduler.startLaunch(launchNumber++);
  const uint64_t count = uint64_t{grid.x} * grid.y * grid.z;
  for (uint64_t n = 0; n < count; n++) {
    const uint64_t index = scheduler.blockAt(n, count);
    block.blockIdx = {static_cast<uint32_t>(index % grid.x), static_cast<uint32_t>(index / grid.x % grid.y),
                      static_cast<uint32_t>(index / grid.x / grid.y)};
    runBlock();
  }
  executesHere = false;
}

}  // namespace cuda_host
