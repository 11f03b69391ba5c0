// Graphs: work with dependencies that is recorded once and launched many times.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernel.h"

namespace cuda_host {

/** A launch with its arguments. */
struct KernelLaunch {
  const KernelEntry* kernel;
  Dim3 grid;
  Dim3 block;
  std::vector<uint8_t> args;
};

/** Executes a launch, with the failures and delays that the options request. */
void runLaunch(const KernelLaunch& launch);

struct GraphNode {
  /** Indices of the earlier nodes that this node depends on. */
  std::vector<size_t> after;
  /** The launch of a kernel node; null for other nodes. */
  std::shared_ptr<const KernelLaunch> launch;
  /** The work of any other node. */
  std::function<void()> work;
};

struct Graph {
  std::vector<std::unique_ptr<GraphNode>> nodes;

  /** Adds a node that depends on the nodes `after` of this graph. */
  const GraphNode* add(GraphNode node, const std::vector<const GraphNode*>& after);
  /** Returns the index of a node, or the number of nodes when it is not in this graph. */
  size_t indexOf(const GraphNode* node) const;
};

/** The result of `cuGraphInstantiate`: a copy of the graph whose launches may get other arguments. */
struct GraphExec {
  /** Addresses of the original graph's nodes, which callers pass to identify a node; `nodes` has the copies. */
  std::vector<const GraphNode*> origins;
  std::vector<GraphNode> nodes;
};

/** Runs all nodes in an order that their dependencies allow and the schedule chooses. */
void runGraph(const std::vector<GraphNode>& nodes);

}  // namespace cuda_host
