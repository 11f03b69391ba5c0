// Graphs: work with an order among it, recorded once and launched often.
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

/** Executes a launch, with what the options ask for in faults and delays. */
void runLaunch(const KernelLaunch& launch);

struct GraphNode {
  /** Which of the graph's earlier nodes must be done before. */
  std::vector<size_t> after;
  /** Of a kernel node; null otherwise. */
  std::shared_ptr<const KernelLaunch> launch;
  /** Of any other node. */
  std::function<void()> work;
};

struct Graph {
  std::vector<std::unique_ptr<GraphNode>> nodes;

  /** Adds a node behind those of `after`, which are of this graph. */
  const GraphNode* add(GraphNode node, const std::vector<const GraphNode*>& after);
  /** The index of one of its nodes; the count of nodes when it is none of them. */
  size_t indexOf(const GraphNode* node) const;
};

/** What `cuGraphInstantiate` makes: a copy of the graph whose launches may get other arguments. */
struct GraphExec {
  /** The nodes of the graph that it was made of, to be recognised by their addresses, and what to run for each. */
  std::vector<const GraphNode*> origins;
  std::vector<GraphNode> nodes;
};

/** Runs all nodes, in an order that their dependencies allow and the schedule chooses. */
void runGraph(const std::vector<GraphNode>& nodes);

}  // namespace cuda_host
