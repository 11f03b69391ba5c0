// Modules, functions, launches and graphs.
#include <cstring>
#include <map>
#include <string>

#include "driver.h"
#include "handles.h"
#include "options.h"
#include "stream.h"

namespace cuda_host {

namespace {

std::map<std::string, KernelEntry>& kernels() {
  static auto& all = *new std::map<std::string, KernelEntry>;
  return all;
}

struct Module {
  std::map<std::string, CUfunction> functions;
};

struct Function {
  const KernelEntry* kernel;
};

Handles<Module>& modules = *new Handles<Module>("module");
Handles<Function>& functions = *new Handles<Function>("function");
Handles<Graph>& graphs = *new Handles<Graph>("graph");
Handles<GraphExec>& executables = *new Handles<GraphExec>("instantiated graph");

/** Copies the packed arguments in `extra`; false for arguments in any other form. */
bool packedArguments(void** kernelParams, void** extra, std::vector<uint8_t>& args) {
  const auto end = nullptr;
  const auto pointer = reinterpret_cast<void*>(1);
  const auto size = reinterpret_cast<void*>(2);
  const void* from = nullptr;
  size_t bytes = 0;
  if (kernelParams != nullptr) return false;
  for (; extra != nullptr && *extra != end; extra += 2) {
    if (*extra == pointer) from = extra[1];
    else if (*extra == size) bytes = *static_cast<size_t*>(extra[1]);
    else return false;
  }
  args.assign(static_cast<const uint8_t*>(from), static_cast<const uint8_t*>(from) + bytes);
  return true;
}

}  // namespace

Registered::Registered(const KernelEntry& entry) {
  if (!kernels().emplace(entry.name, entry).second) fail("two kernels with the name %s", entry.name);
}

std::shared_ptr<const KernelLaunch> makeLaunch(const CUDA_KERNEL_NODE_PARAMS& params) {
  const auto& kernel = *functions.get(params.func, "a launch")->kernel;
  const auto refused = [&](const char* why) {
    refuse(CUDA_ERROR_INVALID_VALUE, "launch of %s, grid (%u, %u, %u), block (%u, %u, %u): %s", kernel.name, params.gridDimX,
           params.gridDimY, params.gridDimZ, params.blockDimX, params.blockDimY, params.blockDimZ, why);
    return nullptr;
  };
  auto launch = std::make_shared<KernelLaunch>();
  launch->kernel = &kernel;
  launch->grid = {params.gridDimX, params.gridDimY, params.gridDimZ};
  launch->block = {params.blockDimX, params.blockDimY, params.blockDimZ};
  const auto [x, y, z] = launch->grid;
  if (x == 0 || y == 0 || z == 0 || x > 0x7fffffff || y > 65535 || z > 65535) return refused("no device takes this grid");
  if (params.blockDimX == 0 || params.blockDimX > kernel.maxThreads) return refused("more threads than the kernel is made for, or none");
  if (params.blockDimY != 1 || params.blockDimZ != 1 || params.blockDimX % 32 != 0) return refused("blocks are whole warps in x");
  if (params.sharedMemBytes != 0) return refused("kernels declare all of their shared memory");
  if (!packedArguments(params.kernelParams, params.extra, launch->args)) return refused("arguments come packed, in extra");
  if (launch->args.size() != kernel.argBytes) return refused(("the arguments take " + std::to_string(kernel.argBytes) + " bytes, not " + std::to_string(launch->args.size())).c_str());
  return launch;
}

void Stream::addCaptured(GraphNode node) {
  lastCaptured = capture->add(std::move(node), lastCaptured == nullptr ? std::vector<const GraphNode*>{} : std::vector{lastCaptured});
}

}  // namespace cuda_host

using namespace cuda_host;

CU_EXPORT CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  if (const CUresult error = checkContext()) return error;
  uint32_t magic;
  memcpy(&magic, image, sizeof magic);
  if (magic != 0xba55ed50) return refuse(CUDA_ERROR_INVALID_IMAGE, "cuModuleLoadData: this is no fat binary");
  *module = modules.add(std::make_shared<Module>());
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuModuleUnload(CUmodule module) {
  const auto removed = modules.remove(module, "cuModuleUnload");
  for (const auto& [name, function] : removed->functions) functions.remove(function, "cuModuleUnload");
  return checkContext();
}

CU_EXPORT CUresult cuModuleGetFunction(CUfunction* function, CUmodule handle, const char* name) {
  if (const CUresult error = checkContext()) return error;
  const auto module = modules.get(handle, "cuModuleGetFunction");
  const auto kernel = kernels().find(name);
  if (kernel == kernels().end()) return refuse(CUDA_ERROR_NOT_FOUND, "cuModuleGetFunction: no kernel %s", name);
  CUfunction& known = module->functions[name];
  if (known == nullptr) {
    auto made = std::make_shared<Function>();
    made->kernel = &kernel->second;
    known = functions.add(std::move(made));
  }
  *function = known;
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuFuncGetAttribute(int* value, int attribute, CUfunction function) {
  if (const CUresult error = checkContext()) return error;
  constexpr int maxThreadsPerBlock = 0;
  const auto& kernel = *functions.get(function, "cuFuncGetAttribute")->kernel;
  if (attribute != maxThreadsPerBlock) return refuse(CUDA_ERROR_INVALID_VALUE, "cuFuncGetAttribute: the stand-in has no attribute %d", attribute);
  *value = static_cast<int>(kernel.maxThreads);
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                                  unsigned blockZ, unsigned sharedBytes, CUstream stream, void** kernelParams, void** extra) {
  if (const CUresult error = checkContext()) return error;
  const auto launch = makeLaunch({function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, kernelParams, extra, nullptr, nullptr});
  if (launch == nullptr) return CUDA_ERROR_INVALID_VALUE;
  submitLaunch(streamOf(stream, "cuLaunchKernel"), launch);
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuStreamBeginCapture_v2(CUstream handle, int) {
  if (const CUresult error = checkContext()) return error;
  Stream& stream = streamOf(handle, "cuStreamBeginCapture");
  if (stream.capture != nullptr) return refuse(CUDA_ERROR_INVALID_VALUE, "cuStreamBeginCapture: the stream captures already");
  stream.capture = std::make_unique<Graph>();
  stream.lastCaptured = nullptr;
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuStreamEndCapture(CUstream handle, CUgraph* graph) {
  if (const CUresult error = checkContext()) return error;
  Stream& stream = streamOf(handle, "cuStreamEndCapture");
  if (stream.capture == nullptr) return refuse(CUDA_ERROR_INVALID_VALUE, "cuStreamEndCapture: the stream does not capture");
  *graph = graphs.add(std::move(stream.capture));
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuGraphCreate(CUgraph* graph, unsigned flags) {
  if (const CUresult error = checkContext()) return error;
  if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
  *graph = graphs.add(std::make_shared<Graph>());
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuGraphDestroy(CUgraph graph) {
  graphs.remove(graph, "cuGraphDestroy");
  return checkContext();
}

CU_EXPORT CUresult cuGraphAddKernelNode_v2(CUgraphNode* node, CUgraph handle, const CUgraphNode* dependencies, size_t count,
                                           const CUDA_KERNEL_NODE_PARAMS* params) {
  if (const CUresult error = checkContext()) return error;
  const auto graph = graphs.get(handle, "cuGraphAddKernelNode");
  std::vector<const GraphNode*> after;
  for (size_t i = 0; i < count; i++) {
    after.push_back(static_cast<const GraphNode*>(dependencies[i]));
    if (graph->indexOf(after.back()) == graph->nodes.size()) fail("cuGraphAddKernelNode: a dependency on a node of another graph");
  }
  GraphNode made;
  made.launch = makeLaunch(*params);
  if (made.launch == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *node = const_cast<GraphNode*>(graph->add(std::move(made), after));
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph handle, unsigned long long flags) {
  if (const CUresult error = checkContext()) return error;
  if (flags != 0) return refuse(CUDA_ERROR_INVALID_VALUE, "cuGraphInstantiate: the stand-in has no flags");
  const auto graph = graphs.get(handle, "cuGraphInstantiate");
  auto made = std::make_shared<GraphExec>();
  for (const auto& node : graph->nodes) {
    made->origins.push_back(node.get());
    made->nodes.push_back(*node);
  }
  *executable = executables.add(std::move(made));
  counters.graphInstantiations++;
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec handle, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS* params) {
  if (const CUresult error = checkContext()) return error;
  const auto executable = executables.get(handle, "cuGraphExecKernelNodeSetParams");
  for (size_t i = 0; i < executable->origins.size(); i++) {
    if (executable->origins[i] != node) continue;
    if (executable->nodes[i].launch == nullptr) break;
    auto launch = makeLaunch(*params);
    if (launch == nullptr) return CUDA_ERROR_INVALID_VALUE;
    if (launch->kernel != executable->nodes[i].launch->kernel)
      return refuse(CUDA_ERROR_INVALID_VALUE, "cuGraphExecKernelNodeSetParams: the node runs another kernel than %s", launch->kernel->name);
    // Launches under way hold a copy of the nodes.
    executable->nodes[i].launch = std::move(launch);
    counters.graphUpdates++;
    return CUDA_SUCCESS;
  }
  fail("cuGraphExecKernelNodeSetParams: no kernel node of this graph");
}

CU_EXPORT CUresult cuGraphLaunch(CUgraphExec handle, CUstream stream) {
  if (const CUresult error = checkContext()) return error;
  const auto executable = executables.get(handle, "cuGraphLaunch");
  Stream& target = streamOf(stream, "cuGraphLaunch");
  if (target.capture != nullptr) return refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the stand-in captures no graphs");
  target.enqueue([nodes = executable->nodes] { runGraph(nodes); });
  counters.graphLaunches++;
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuGraphExecDestroy(CUgraphExec executable) {
  executables.remove(executable, "cuGraphExecDestroy");
  return checkContext();
}
