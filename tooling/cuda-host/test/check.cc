// Calls the stand-in as a driver, without the addon: `check <name>` runs one function and exits with 0, or the stand-in stops
// it. Linked against libcuda.so.1 of a build of sample.cu.
#include "check.h"

#include <map>
#include <string>

namespace {

void vectorAdd() {
  const auto a = upload(counting(1000)), b = upload(counting(1000, 5)), y = allocate(4000);
  OK(launch("vectorAdd", 8, 128, Packed(a, b, y, 1000u)));
  const auto sums = download<float>(y, 1000);
  for (int i = 0; i < 1000; i++) EXPECT(sums[i] == 2 * i + 5);
  OK(cuMemFreeAsync(a, stream));
  OK(cuStreamSynchronize(stream));
  EXPECT(mambaCudaHostGet("liveAllocations") == 2);
  EXPECT(mambaCudaHostGet("launches") == 1);
}

void reduction() {
  const auto x = upload(counting(3 * 700)), y = allocate(12);
  OK(launch("sumRowsOf", 3, 256, Packed(x, y, 700u)));
  const auto sums = download<float>(y, 3);
  for (int row = 0; row < 3; row++) EXPECT(sums[row] == 700 * (700.0f * row + 349.5f));
}

void scan() {
  std::vector<int32_t> values(2 * 1001);
  for (size_t i = 0; i < values.size(); i++) values[i] = static_cast<int32_t>(i * 7919 % 1000) - 300;
  const auto x = upload(values), y = allocate(values.size() * 4);
  OK(launch("prefixSums", 2, 256, Packed(x, y, 1001u)));
  const auto sums = download<int32_t>(y, values.size());
  for (size_t row = 0; row < 2; row++) {
    int32_t sum = 0;
    for (size_t i = row * 1001; i < (row + 1) * 1001; i++) EXPECT(sums[i] == (sum += values[i]));
  }
}

void exchanges() {
  struct Words {
    uint32_t words[3];
  };
  const auto y = allocate(32 * 8 * 4);
  OK(launch("exchanges", 1, 32, Packed(100u, y, 0.5f, Words{{7, 8, 9}}, CUdeviceptr{0})));
  const auto all = download<uint32_t>(y, 32 * 8);
  uint32_t thirds = 0;
  for (uint32_t lane = 0; lane < 32; lane++) thirds |= ((100 + lane) % 3 == 0) << lane;
  for (uint32_t lane = 0; lane < 32; lane++) {
    const uint32_t* out = &all[lane * 8];
    EXPECT(out[0] == 105);
    EXPECT(out[1] == 100 + (lane < 3 ? lane : lane - 3));
    EXPECT(out[2] == 100 + (lane % 8 + 3 < 8 ? lane + 3 : lane));
    EXPECT(out[3] == 100 + (lane ^ 9));
    EXPECT(out[4] == thirds);
    EXPECT(out[5] == lane / 2);
    EXPECT(out[6] == 7 + lane % 3);
    EXPECT(out[7] == 1);
  }
}

void graphs() {
  const auto a = upload(counting(64)), b = upload(counting(64)), c = allocate(256), d = allocate(256);
  Packed first(a, b, c, 64u), second(c, b, d, 64u), other(a, a, c, 64u);
  CUgraph graph;
  CUgraphNode one, two;
  CUgraphExec executable;
  OK(cuGraphCreate(&graph, 0));
  auto params = node("vectorAdd", 2, 32, first);
  OK(cuGraphAddKernelNode_v2(&one, graph, nullptr, 0, &params));
  params = node("vectorAdd", 2, 32, second);
  OK(cuGraphAddKernelNode_v2(&two, graph, &one, 1, &params));
  OK(cuGraphInstantiateWithFlags(&executable, graph, 0));
  OK(cuGraphLaunch(executable, stream));
  EXPECT(download<float>(d, 64)[63] == 3 * 63);
  OK(cuMemcpyHtoDAsync_v2(b, counting(64, 10).data(), 256, stream));
  params = node("vectorAdd", 2, 32, other);
  OK(cuGraphExecKernelNodeSetParams_v2(executable, one, &params));
  OK(cuGraphLaunch(executable, stream));
  EXPECT(download<float>(d, 64)[63] == 3 * 63 + 10);
  OK(cuStreamBeginCapture_v2(stream, 0));
  OK(launch("vectorAdd", 2, 32, Packed(d, d, c, 64u)));
  OK(cuMemsetD8Async(d, 0, 256, stream));
  EXPECT(cuStreamSynchronize(stream) == CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  OK(cuStreamEndCapture(stream, &graph));
  EXPECT(download<float>(d, 64)[63] == 3 * 63 + 10);
  OK(cuGraphInstantiateWithFlags(&executable, graph, 0));
  OK(cuGraphLaunch(executable, stream));
  EXPECT(download<float>(c, 64)[63] == 6 * 63 + 20);
  EXPECT(download<float>(d, 64)[63] == 0);
  EXPECT(mambaCudaHostGet("graphLaunches") == 3);
}

void asynchronous() {
  void* memory;
  OK(cuMemAllocHost_v2(&memory, 256));
  auto* pinned = static_cast<volatile float*>(memory);
  EXPECT(std::isnan(pinned[0]));
  const auto a = upload(counting(64)), y = allocate(256);
  CUevent event;
  OK(cuEventCreate(&event, 0));
  OK(cuStreamSynchronize(stream));
  mambaCudaHostSet("slowLaunch", "100000");
  OK(launch("vectorAdd", 2, 32, Packed(a, a, y, 64u)));
  OK(cuMemcpyDtoHAsync_v2(memory, y, 256, stream));
  OK(cuEventRecord(event, stream));
  // The work has not run yet.
  EXPECT(cuStreamQuery(stream) == CUDA_ERROR_NOT_READY && cuEventQuery(event) == CUDA_ERROR_NOT_READY);
  EXPECT(std::isnan(pinned[0]));
  OK(cuEventSynchronize(event));
  OK(cuEventQuery(event));
  EXPECT(pinned[3] == 6);
  OK(cuMemFreeHost(memory));
}

void freshMemory() {
  const auto y = allocate(64);
  for (const float value : download<float>(y, 16)) EXPECT(std::isnan(value));
}

void outOfMemory() {
  mambaCudaHostSet("memory", "1000");
  CUdeviceptr first, second;
  OK(cuMemAllocAsync(&first, 600, stream));
  EXPECT(cuMemAllocAsync(&second, 600, stream) == CUDA_ERROR_OUT_OF_MEMORY);
  OK(cuMemFreeAsync(first, stream));
  OK(cuMemAllocAsync(&second, 600, stream));
}

void failedLaunch() {
  const auto a = upload(counting(64)), y = allocate(256);
  Packed args(a, a, y, 64u);
  const CUfunction add = function("vectorAdd");
  const auto again = [&] { return cuLaunchKernel(add, 2, 1, 1, 32, 1, 1, 0, stream, nullptr, args.extra); };
  mambaCudaHostSet("failLaunch", "2");
  OK(again());
  OK(cuStreamSynchronize(stream));
  OK(again());
  EXPECT(cuStreamSynchronize(stream) == CUDA_ERROR_LAUNCH_FAILED);
  EXPECT(again() == CUDA_ERROR_LAUNCH_FAILED);
  // A new context works.
  OK(cuDevicePrimaryCtxRelease_v2(0));
  open();
  reduction();
}

void refusals() {
  const auto a = upload(counting(64));
  CUfunction unknown;
  EXPECT(cuModuleGetFunction(&unknown, module, "nothing") == CUDA_ERROR_NOT_FOUND);
  EXPECT(launch("vectorAdd", 2, 33, Packed(a, a, a, 64u)) == CUDA_ERROR_INVALID_VALUE);
  EXPECT(launch("vectorAdd", 0, 32, Packed(a, a, a, 64u)) == CUDA_ERROR_INVALID_VALUE);
  EXPECT(launch("sumRowsOf", 1, 512, Packed(a, a, 64u)) == CUDA_ERROR_INVALID_VALUE);
  EXPECT(launch("vectorAdd", 2, 32, Packed(a, a, a)) == CUDA_ERROR_INVALID_VALUE);
  EXPECT(mambaCudaHostGet("launches") == 0);
}

// Faults that the stand-in must stop.

void readPastEnd() {
  const auto a = upload(counting(64)), y = allocate(260);
  launch("vectorAdd", 3, 32, Packed(a, a, y, 65u));
  cuStreamSynchronize(stream);
}

void writePastEnd() {
  const auto a = upload(counting(65)), y = allocate(256);
  launch("vectorAdd", 3, 32, Packed(a, a, y, 65u));
  cuStreamSynchronize(stream);
}

void writeInPadding() {
  const auto a = upload(counting(65)), y = allocate(252);
  launch("vectorAdd", 2, 32, Packed(a, a, y, 64u));
  cuStreamSynchronize(stream);
}

void useAfterFree() {
  const auto a = upload(counting(64)), y = allocate(256);
  OK(cuMemFreeAsync(a, stream));
  launch("vectorAdd", 2, 32, Packed(a, a, y, 64u));
  cuStreamSynchronize(stream);
}

void doubleFree() {
  const auto a = allocate(64);
  cuMemFreeAsync(a, stream);
  cuMemFreeAsync(a, stream);
  cuStreamSynchronize(stream);
}

void freeUnknown() {
  cuMemFreeAsync(allocate(64) + 16, stream);
  cuStreamSynchronize(stream);
}

void copyPastEnd() { download<float>(allocate(64), 17); }

void unknownStream() { cuStreamSynchronize(&stream); }

}  // namespace

int main(int count, char** args) {
  const std::map<std::string, void (*)()> all = {
      {"vectorAdd", vectorAdd},
      {"reduction", reduction},
      {"scan", scan},
      {"exchanges", exchanges},
      {"graphs", graphs},
      {"asynchronous", asynchronous},
      {"freshMemory", freshMemory},
      {"outOfMemory", outOfMemory},
      {"failedLaunch", failedLaunch},
      {"refusals", refusals},
      {"readPastEnd", readPastEnd},
      {"writePastEnd", writePastEnd},
      {"writeInPadding", writeInPadding},
      {"useAfterFree", useAfterFree},
      {"doubleFree", doubleFree},
      {"freeUnknown", freeUnknown},
      {"copyPastEnd", copyPastEnd},
      {"unknownStream", unknownStream},
  };
  const auto found = count == 2 ? all.find(args[1]) : all.end();
  if (found == all.end()) return 2;
  open();
  found->second();
  return 0;
}
