#include "graph.h"

#include <chrono>
#include <thread>

#include "driver.h"
#include "execute.h"
#include "memory.h"
#include "options.h"
#include "report.h"
#include "schedule.h"

namespace cuda_host {

void runLaunch(const KernelLaunch& launch) {
  if (const uint64_t wait = options.slowLaunch) std::this_thread::sleep_for(std::chrono::microseconds(wait));
  uint64_t left = options.failLaunch;
  while (left != 0 && !options.failLaunch.compare_exchange_weak(left, left - 1)) continue;
  if (left == 1) breakContext(CUDA_ERROR_LAUNCH_FAILED);
  if (brokenContext() != CUDA_SUCCESS) return;
  execute(*launch.kernel, launch.grid, launch.block, launch.args.data());
  operation = launch.kernel->name;
  checkOverruns();
  operation = "";
  counters.launches++;
}

const GraphNode* Graph::add(GraphNode node, const std::vector<const GraphNode*>& after) {
  for (const GraphNode* one : after) node.after.push_back(indexOf(one));
  nodes.push_back(std::make_unique<GraphNode>(std::move(node)));
  return nodes.back().get();
}

size_t Graph::indexOf(const GraphNode* node) const {
  size_t index = 0;
  while (index < nodes.size() && nodes[index].get() != node) index++;
  return index;
}

void runGraph(const std::vector<GraphNode>& nodes) {
  static std::atomic<uint64_t> number{0};
  Random random(options.seed + 77 * ++number);
  std::vector<size_t> missing(nodes.size());
  std::vector<std::vector<size_t>> followers(nodes.size());
  std::vector<size_t> ready;
  for (size_t i = 0; i < nodes.size(); i++) {
    missing[i] = nodes[i].after.size();
    for (const size_t before : nodes[i].after) followers[before].push_back(i);
    if (missing[i] == 0) ready.push_back(i);
  }
  while (!ready.empty()) {
    const uint64_t schedule = options.schedule;
    const size_t pick = schedule == RandomStalls ? random.below(static_cast<uint32_t>(ready.size()))
                        : schedule == Reverse    ? ready.size() - 1
                                                 : 0;
    const size_t index = ready[pick];
    ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(pick));
    const GraphNode& node = nodes[index];
    if (node.launch != nullptr) runLaunch(*node.launch);
    else if (brokenContext() == CUDA_SUCCESS) node.work();
    for (const size_t next : followers[index])
      if (--missing[next] == 0) ready.push_back(next);
  }
}

}  // namespace cuda_host
