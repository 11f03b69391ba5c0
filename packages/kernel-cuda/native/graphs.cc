#include "graphs.h"

#include <algorithm>
#include <cstring>

namespace mamba {

// Batches whose kernels and grids are remembered. A program has few: a step, a chunk of a prompt, forward, backward.
constexpr size_t kKnown = 128;
// A graph of fewer launches saves no time.
constexpr size_t kWorthwhile = 4;

struct Graphs::Graph {
  std::vector<uint32_t> headers;
  std::vector<std::vector<uint32_t>> args;
  std::vector<CUgraphNode> nodes;
  CUgraph graph = nullptr;
  CUgraphExec exec = nullptr;
  uint64_t lastUse = 0;

  ~Graph() { clear(); }

  void clear() {
    if (exec != nullptr) driver().graphExecDestroy(exec);
    if (graph != nullptr) driver().graphDestroy(graph);
    exec = nullptr;
    graph = nullptr;
    nodes.clear();
    args.clear();
  }
};

namespace {

// The packed arguments of a launch.
struct Extra {
  explicit Extra(const Launch& launch) : bytes(launch.argBytes()) {
    list[1] = const_cast<uint32_t*>(launch.args());
  }
  size_t bytes;
  void* list[5] = {kParamPointer, nullptr, kParamSize, &bytes, kParamEnd};
};

KernelNodeParams nodeParams(const Launch& launch, Extra& extra) {
  const uint32_t* h = launch.header;
  return {launch.function, h[1], h[2], h[3], h[4], 1, 1, 0, nullptr, extra.list, nullptr, nullptr};
}

std::vector<uint32_t> argWords(const Launch& launch) {
  return std::vector<uint32_t>(launch.args(), launch.args() + launch.argBytes() / 4);
}

uint64_t mix(uint64_t hash, uint32_t word) { return (hash ^ word) * 0x100000001b3ull; }

}  // namespace

Graphs::Graphs(CUstream stream) : stream_(stream) {}

Graphs::~Graphs() = default;

void Graphs::run(const std::vector<Launch>& launches) {
  Graph* graph = launches.size() < kWorthwhile ? nullptr : &find(launches);
  // The first occurrence of a batch makes no graph, because it may be the only one.
  const bool known = graph != nullptr && graph->lastUse > 0;
  if (known && (graph->exec != nullptr || build(*graph, launches))) {
    update(*graph, launches);
    check(driver().graphLaunch(graph->exec, stream_), "cuGraphLaunch");
    counts_.replays++;
  } else {
    launch(launches);
  }
  if (graph != nullptr) graph->lastUse = ++clock_;
}

void Graphs::launch(const std::vector<Launch>& launches) {
  for (const Launch& one : launches) {
    const uint32_t* h = one.header;
    Extra extra(one);
    check(driver().launchKernel(one.function, h[1], h[2], h[3], h[4], 1, 1, 0, stream_, nullptr, extra.list),
          "cuLaunchKernel");
  }
  counts_.kernels += launches.size();
}

// Returns the graph with the kernels and grids of `launches`; a new one has lastUse 0.
Graphs::Graph& Graphs::find(const std::vector<Launch>& launches) {
  std::vector<uint32_t> headers;
  headers.reserve(launches.size() * Launch::kHeader);
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const Launch& launch : launches) {
    for (size_t i = 0; i < Launch::kHeader; i++) {
      headers.push_back(launch.header[i]);
      hash = mix(hash, launch.header[i]);
    }
  }
  auto found = known_.find(hash);
  if (found != known_.end() && found->second->headers == headers) return *found->second;
  if (known_.size() >= kKnown) evict();
  std::unique_ptr<Graph>& place = known_[hash];
  place = std::make_unique<Graph>();
  place->headers = std::move(headers);
  return *place;
}

// Builds a graph in which each launch depends on the previous one, as on a stream. Returns false when there is no memory for
// the graph.
bool Graphs::build(Graph& graph, const std::vector<Launch>& launches) {
  const Driver& cuda = driver();
  graph.clear();
  check(cuda.graphCreate(&graph.graph, 0), "cuGraphCreate");
  for (const Launch& launch : launches) {
    Extra extra(launch);
    const KernelNodeParams params = nodeParams(launch, extra);
    CUgraphNode node = nullptr;
    const CUgraphNode* before = graph.nodes.empty() ? nullptr : &graph.nodes.back();
    check(cuda.graphAddKernelNode(&node, graph.graph, before, before == nullptr ? 0 : 1, &params),
          "cuGraphAddKernelNode");
    graph.nodes.push_back(node);
    graph.args.push_back(argWords(launch));
  }
  const CUresult made = cuda.graphInstantiate(&graph.exec, graph.graph, 0);
  if (made == kOutOfMemory) return false;
  check(made, "cuGraphInstantiateWithFlags");
  counts_.built++;
  return true;
}

// Replaces the arguments of the graph's nodes that differ from those of `launches`.
void Graphs::update(Graph& graph, const std::vector<Launch>& launches) {
  for (size_t i = 0; i < launches.size(); i++) {
    const Launch& launch = launches[i];
    std::vector<uint32_t>& known = graph.args[i];
    if (std::memcmp(known.data(), launch.args(), launch.argBytes()) == 0) continue;
    Extra extra(launch);
    const KernelNodeParams params = nodeParams(launch, extra);
    check(driver().graphExecSetParams(graph.exec, graph.nodes[i], &params), "cuGraphExecKernelNodeSetParams");
    known = argWords(launch);
    counts_.updates++;
  }
}

void Graphs::evict() {
  auto oldest = std::min_element(known_.begin(), known_.end(), [](const auto& a, const auto& b) {
    return a.second->lastUse < b.second->lastUse;
  });
  // The graph may still be running.
  check(driver().streamSynchronize(stream_), "cuStreamSynchronize");
  known_.erase(oldest);
}

}  // namespace mamba
