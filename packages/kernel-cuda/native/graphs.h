#pragma once
// Runs batches of launches. A batch with the GPU kernels and grids of an earlier batch is replayed as a CUDA graph; only the
// arguments that differ are replaced.

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "driver.h"

namespace mamba {

// One launch in the words of a batch: a header of six words, then the packed arguments, padded to 8 bytes.
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
    uint64_t kernels = 0;   // GPU kernels launched one by one
    uint64_t replays = 0;   // graphs launched
    uint64_t updates = 0;   // graph nodes whose arguments were replaced
    uint64_t built = 0;     // graphs created
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
