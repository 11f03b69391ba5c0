#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>

#include "kernel.h"
#include "options.h"

namespace cuda_host {

namespace {

constexpr size_t alignment = 16;
constexpr unsigned char fresh = 0xff;
/** Value of the bytes between the end of an allocation and its guard page. */
constexpr unsigned char beyond = 0xfb;
/** Number of freed allocations whose addresses stay reserved. */
constexpr size_t quarantined = 4096;

struct Allocation {
  uint64_t address;
  size_t bytes;
  char* mapping;
  size_t mappedBytes;
  bool live;
};

struct Memory {
  std::mutex mutex;
  /** All allocations by address, including freed ones whose addresses stay reserved. */
  std::map<uint64_t, Allocation> all;
  std::deque<uint64_t> freed;
  /** Live allocations that do not end at their guard page. */
  std::map<uint64_t, const Allocation*> padded;
  std::map<const char*, size_t> pinned;
};

// Never destroyed: threads of streams may outlive main.
Memory& memory = *new Memory;

size_t pageBytes() {
  static const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

size_t up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

Allocation* containing(uint64_t address) {
  auto after = memory.all.upper_bound(address);
  if (after == memory.all.begin()) return nullptr;
  Allocation& found = std::prev(after)->second;
  return address < found.address + found.bytes ? &found : nullptr;
}

void checkEnd(const Allocation& one) {
  const auto* end = reinterpret_cast<const unsigned char*>(one.address + one.bytes);
  const auto* guard = reinterpret_cast<const unsigned char*>(one.mapping + one.mappedBytes - pageBytes());
  for (; end < guard; end++)
    if (*end != beyond)
      fail("a write beyond the end of an allocation of %zu bytes at %#llx", one.bytes, static_cast<unsigned long long>(one.address));
}

void retire(Allocation& one) {
  checkEnd(one);
  one.live = false;
  memory.padded.erase(one.address);
  counters.liveAllocations--;
  counters.liveBytes -= one.bytes;
  // Maps new pages without access: the memory is freed, the addresses stay reserved.
  mmap(one.mapping, one.mappedBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  memory.freed.push_back(one.address);
  while (memory.freed.size() > quarantined) {
    const auto oldest = memory.all.find(memory.freed.front());
    munmap(oldest->second.mapping, oldest->second.mappedBytes);
    memory.all.erase(oldest);
    memory.freed.pop_front();
  }
}

}  // namespace

uint64_t allocateDevice(size_t bytes) {
  const std::lock_guard<std::mutex> lock(memory.mutex);
  if (bytes > options.memory || counters.liveBytes + bytes > options.memory) return 0;
  const size_t page = pageBytes();
  const size_t body = up(bytes, page);
  const size_t mapped = page + body + page;
  void* mapping = mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return 0;
  char* start = static_cast<char*>(mapping) + page;
  if (mprotect(start, body, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapping, mapped);
    return 0;
  }
  const auto address = reinterpret_cast<uint64_t>(start + body - up(bytes, alignment));
  memset(reinterpret_cast<void*>(address), fresh, bytes);
  memset(reinterpret_cast<char*>(address) + bytes, beyond, static_cast<size_t>(start + body - (reinterpret_cast<char*>(address) + bytes)));
  Allocation& made = memory.all[address] = {address, bytes, static_cast<char*>(mapping), mapped, true};
  if (bytes % alignment != 0) memory.padded[address] = &made;
  counters.allocations++;
  counters.liveAllocations++;
  counters.liveBytes += bytes;
  return address;
}

void freeDevice(uint64_t address, const char* what) {
  const std::lock_guard<std::mutex> lock(memory.mutex);
  const auto found = memory.all.find(address);
  if (found == memory.all.end()) fail("%s(%#llx): not the address of an allocation", what, static_cast<unsigned long long>(address));
  if (!found->second.live) fail("%s(%#llx): freed twice (%zu bytes)", what, static_cast<unsigned long long>(address), found->second.bytes);
  retire(found->second);
}

void freeAllDevice() {
  const std::lock_guard<std::mutex> lock(memory.mutex);
  for (auto& [address, one] : memory.all) {
    if (!one.live) continue;
    checkEnd(one);
    munmap(one.mapping, one.mappedBytes);
    counters.liveAllocations--;
    counters.liveBytes -= one.bytes;
  }
  for (const uint64_t address : memory.freed) munmap(memory.all[address].mapping, memory.all[address].mappedBytes);
  memory.all.clear();
  memory.padded.clear();
  memory.freed.clear();
}

void checkDeviceRange(uint64_t address, size_t bytes, const char* what) {
  const std::lock_guard<std::mutex> lock(memory.mutex);
  const Allocation* found = containing(address);
  const auto at = static_cast<unsigned long long>(address);
  if (found == nullptr) fail("%s of %zu bytes at %#llx, which is in no allocation", what, bytes, at);
  if (!found->live) fail("%s of %zu bytes at %#llx, in an allocation of %zu bytes that was freed", what, bytes, at, found->bytes);
  const uint64_t room = found->address + found->bytes - address;
  if (bytes > room) fail("%s of %zu bytes at %#llx, where an allocation of %zu bytes has %llu left", what, bytes, at, found->bytes, static_cast<unsigned long long>(room));
}

void checkOverruns() {
  const std::lock_guard<std::mutex> lock(memory.mutex);
  for (const auto& [address, one] : memory.padded) checkEnd(*one);
}

void* allocatePinned(size_t bytes) {
  const size_t body = up(bytes, pageBytes());
  // The guard page follows the last page, so it does not detect an overrun within that page.
  void* mapping = mmap(nullptr, body + pageBytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return nullptr;
  if (mprotect(mapping, body, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapping, body + pageBytes());
    return nullptr;
  }
  memset(mapping, fresh, body);
  const std::lock_guard<std::mutex> lock(memory.mutex);
  memory.pinned[static_cast<const char*>(mapping)] = bytes;
  counters.pinnedBytes += bytes;
  return mapping;
}

void freePinned(void* mapping) {
  const std::lock_guard<std::mutex> lock(memory.mutex);
  const auto found = memory.pinned.find(static_cast<const char*>(mapping));
  if (found == memory.pinned.end()) fail("cuMemFreeHost(%p): not the address of pinned memory", mapping);
  counters.pinnedBytes -= found->second;
  munmap(mapping, up(found->second, pageBytes()) + pageBytes());
  memory.pinned.erase(found);
}

bool isPinned(const void* address) {
  const std::lock_guard<std::mutex> lock(memory.mutex);
  const auto* at = static_cast<const char*>(address);
  auto after = memory.pinned.upper_bound(at);
  if (after == memory.pinned.begin()) return false;
  const auto& [start, bytes] = *std::prev(after);
  return at < start + bytes;
}

void describeAddress(uint64_t address, char* text, size_t bytes) {
  const std::unique_lock<std::mutex> lock(memory.mutex, std::try_to_lock);
  const Allocation* nearest = nullptr;
  uint64_t distance = ~uint64_t{0};
  bool after = true;
  for (const auto& [start, one] : memory.all) {
    const uint64_t end = start + one.bytes;
    const uint64_t away = address < start ? start - address : address >= end ? address - end : 0;
    if (away >= distance) continue;
    distance = away;
    nearest = &one;
    after = address >= end;
  }
  if (nearest == nullptr || distance > uint64_t{1} << 32) {
    snprintf(text, bytes, "  no allocation of the device is near that address\n");
  } else if (distance == 0 && address < nearest->address + nearest->bytes && address >= nearest->address) {
    snprintf(text, bytes, "  it is byte %llu of %s allocation of %zu bytes\n",
             static_cast<unsigned long long>(address - nearest->address), nearest->live ? "a live" : "a freed", nearest->bytes);
  } else {
    snprintf(text, bytes, "  it is %llu bytes %s %s allocation of %zu bytes\n", static_cast<unsigned long long>(distance),
             after ? "after the end of" : "before the start of", nearest->live ? "a live" : "a freed", nearest->bytes);
  }
}

}  // namespace cuda_host
