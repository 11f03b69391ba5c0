#include "staging.h"

#include <algorithm>
#include <cstring>

namespace mamba {

constexpr size_t kPage = 4096;
constexpr size_t kKeptBlocks = 8;
constexpr size_t kLargestKept = size_t{64} << 20;
// An upload returns at once while the ring has room; a larger one waits until the device has copied earlier chunks.
constexpr size_t kRing = size_t{32} << 20;
constexpr size_t kChunk = kRing / 4;

ReadBlocks::~ReadBlocks() {
  for (uint8_t* memory : all_) driver().memFreeHost(memory);
}

Pinned ReadBlocks::take(size_t bytes) {
  // A block that is far too large is not taken: a read of a token id would occupy the block that a read of a state needs.
  auto fits = std::find_if(free_.begin(), free_.end(), [bytes](const Pinned& block) {
    return block.bytes >= bytes && block.bytes <= std::max<size_t>(4 * bytes, kPage);
  });
  if (fits != free_.end()) {
    const Pinned block = *fits;
    free_.erase(fits);
    return block;
  }
  const size_t size = (bytes + kPage - 1) / kPage * kPage;
  void* memory = nullptr;
  check(driver().memAllocHost(&memory, size), "cuMemAllocHost");
  all_.insert(static_cast<uint8_t*>(memory));
  return {static_cast<uint8_t*>(memory), size};
}

void ReadBlocks::give(Pinned block) {
  if (block.bytes > kLargestKept) return drop(block);
  free_.push_back(block);
  if (free_.size() <= kKeptBlocks) return;
  drop(free_.front());
  free_.erase(free_.begin());
}

void ReadBlocks::drop(Pinned block) {
  all_.erase(block.memory);
  driver().memFreeHost(block.memory);
}

UploadRing::~UploadRing() {
  for (const Chunk& chunk : chunks_) driver().eventDestroy(chunk.sent);
  for (CUevent event : events_) driver().eventDestroy(event);
  if (memory_ != nullptr) driver().memFreeHost(memory_);
}

void UploadRing::send(CUdeviceptr target, const uint8_t* source, size_t bytes) {
  const Driver& cuda = driver();
  for (size_t at = 0; at < bytes; at += kChunk) {
    const size_t size = std::min(kChunk, bytes - at);
    uint8_t* staged = reserve(size);
    std::memcpy(staged, source + at, size);
    check(cuda.memcpyHtoDAsync(target + at, staged, size, stream_), "cuMemcpyHtoDAsync");
    check(cuda.eventRecord(chunks_.back().sent, stream_), "cuEventRecord");
  }
}

// Reserves a chunk at the end of the ring; waits for the oldest chunks when there is no room.
uint8_t* UploadRing::reserve(size_t bytes) {
  const Driver& cuda = driver();
  if (memory_ == nullptr) {
    void* memory = nullptr;
    check(cuda.memAllocHost(&memory, kRing), "cuMemAllocHost");
    memory_ = static_cast<uint8_t*>(memory);
  }
  const size_t rounded = (bytes + 255) / 256 * 256;
  // A chunk is contiguous: when it does not fit before the end of the ring, the rest of the ring is skipped with it.
  const bool wraps = next_ + rounded > kRing;
  const size_t skipped = wraps ? kRing - next_ : 0;
  const size_t needed = rounded + skipped;
  while (!chunks_.empty()) {
    const Chunk& oldest = chunks_.front();
    const bool room = used_ + needed <= kRing;
    const CUresult state = room ? cuda.eventQuery(oldest.sent) : cuda.eventSynchronize(oldest.sent);
    if (room && state == kNotReady) break;
    check(state, "cuEventSynchronize");
    used_ -= oldest.bytes;
    events_.push_back(oldest.sent);
    chunks_.pop_front();
  }
  CUevent event = nullptr;
  if (events_.empty()) {
    check(cuda.eventCreate(&event, kEventDisableTiming), "cuEventCreate");
  } else {
    event = events_.back();
    events_.pop_back();
  }
  uint8_t* start = memory_ + (wraps ? 0 : next_);
  next_ = (start - memory_) + rounded;
  used_ += needed;
  chunks_.push_back({needed, event});
  return start;
}

}  // namespace mamba
