#pragma once
// Page-locked host memory for all transfers: the device reads and writes it while the host continues.

#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "driver.h"

namespace mamba {

struct Pinned {
  uint8_t* memory = nullptr;
  size_t bytes = 0;
};

// Memory blocks that receive reads, kept for later reads. The destructor frees all of them.
class ReadBlocks {
 public:
  ~ReadBlocks();
  Pinned take(size_t bytes);
  void give(Pinned block);

 private:
  void drop(Pinned block);

  std::vector<Pinned> free_;
  std::set<uint8_t*> all_;
};

// Copies host memory to the device in stream order. The caller may change its memory as soon as `send` returns.
class UploadRing {
 public:
  explicit UploadRing(CUstream stream) : stream_(stream) {}
  ~UploadRing();
  void send(CUdeviceptr target, const uint8_t* source, size_t bytes);

 private:
  struct Chunk {
    size_t bytes;
    CUevent sent;
  };
  uint8_t* reserve(size_t bytes);

  CUstream stream_;
  uint8_t* memory_ = nullptr;
  size_t next_ = 0;
  size_t used_ = 0;
  std::deque<Chunk> chunks_;
  std::vector<CUevent> events_;
};

}  // namespace mamba
