#pragma once
// Runs buffers of launches. A buffer whose launches have the kernels and grids of an earlier one is replayed as a CUDA graph,
// with the arguments that differ replaced.

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "driver.h"

namespace mamba {

// One launch in a buffer of words: six words, then the arguments as the kernel takes them, padded to 8 bytes.
struct Launch {
  static constexpr size_t kHeader = 6;
  CUfunction function;
  const uint32_t* header;  // function, grid x, y, z, block, bytes of arguments

  const uint32_t* args() const { return header + kHeader; }
  size_t argBytes() const { return header[5]; }
};

class Graphs {
 public:
  explicit Graphs(CUstream stream);
  ~Graphs();
  Graphs(const Graphs&) = delete;
  Graphs& operator=(const Graphs&) = delete;

  void run(const std::vector<Launch>& launches);

  struct Counts {
    uint64_t kernels = 0;   // launched one by one
    uint64_t replays = 0;   // graphs launched
    uint64_t updates = 0;   // kernels whose arguments were replaced in a graph
    uint64_t built = 0;     // graphs made
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Graph;
  Graph& find(const std::vector<Launch>& launches);
  void launch(const std::vector<Launch>& launches);
  bool build(Graph& graph, const std::vector<Launch>& launches);
  void update(Graph& graph, const std::vector<Launch>& launches);
  void evict();

  CUstream stream_;
  std::unordered_map<uint64_t, std::unique_ptr<Graph>> known_;
  uint64_t clock_ = 0;
  Counts counts_;
};

}  // namespace mamba
