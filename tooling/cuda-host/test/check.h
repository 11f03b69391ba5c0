// The driver API for a C++ program, with arguments packed as the addon packs them.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "driver.h"

extern "C" {
CUresult cuInit(unsigned);
CUresult cuDeviceGetName(char*, int, CUdevice);
CUresult cuDevicePrimaryCtxRetain(CUcontext*, CUdevice);
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice);
CUresult cuCtxSetCurrent(CUcontext);
CUresult cuStreamCreate(CUstream*, unsigned);
CUresult cuStreamSynchronize(CUstream);
CUresult cuStreamQuery(CUstream);
CUresult cuModuleLoadData(CUmodule*, const void*);
CUresult cuModuleGetFunction(CUfunction*, CUmodule, const char*);
CUresult cuMemAllocAsync(CUdeviceptr*, size_t, CUstream);
CUresult cuMemFreeAsync(CUdeviceptr, CUstream);
CUresult cuMemAllocHost_v2(void**, size_t);
CUresult cuMemFreeHost(void*);
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr, const void*, size_t, CUstream);
CUresult cuMemcpyDtoHAsync_v2(void*, CUdeviceptr, size_t, CUstream);
CUresult cuMemsetD8Async(CUdeviceptr, unsigned char, size_t, CUstream);
CUresult cuLaunchKernel(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, void**, void**);
CUresult cuEventCreate(CUevent*, unsigned);
CUresult cuEventRecord(CUevent, CUstream);
CUresult cuEventSynchronize(CUevent);
CUresult cuEventQuery(CUevent);
CUresult cuStreamBeginCapture_v2(CUstream, int);
CUresult cuStreamEndCapture(CUstream, CUgraph*);
CUresult cuGraphCreate(CUgraph*, unsigned);
CUresult cuGraphAddKernelNode_v2(CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_KERNEL_NODE_PARAMS*);
CUresult cuGraphInstantiateWithFlags(CUgraphExec*, CUgraph, unsigned long long);
CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec, CUgraphNode, const CUDA_KERNEL_NODE_PARAMS*);
CUresult cuGraphLaunch(CUgraphExec, CUstream);
bool mambaCudaHostSet(const char*, const char*);
int64_t mambaCudaHostGet(const char*);
}

namespace {

CUstream stream;
CUmodule module;

#define OK(call) expect((call) == CUDA_SUCCESS, #call, __LINE__)
#define EXPECT(condition) expect(condition, #condition, __LINE__)

void expect(bool condition, const char* text, int line) {
  if (condition) return;
  fprintf(stderr, "check.cc:%d: not so: %s\n", line, text);
  exit(1);
}

void open() {
  CUcontext context;
  OK(cuInit(0));
  OK(cuDevicePrimaryCtxRetain(&context, 0));
  OK(cuCtxSetCurrent(context));
  OK(cuStreamCreate(&stream, 1));
  const uint32_t image[4] = {0xba55ed50};
  OK(cuModuleLoadData(&module, image));
}

/** Packed arguments, each at its natural alignment, as in the addon. */
struct Packed {
  std::vector<uint8_t> bytes;
  size_t size;
  void* extra[5];
  template <typename... Args>
  explicit Packed(Args... args) {
    (push(args), ...);
    size = bytes.size();
    void* made[] = {reinterpret_cast<void*>(1), bytes.data(), reinterpret_cast<void*>(2), &size, nullptr};
    memcpy(extra, made, sizeof made);
  }
  template <typename T>
  void push(T value) {
    bytes.resize((bytes.size() + alignof(T) - 1) / alignof(T) * alignof(T) + sizeof value);
    memcpy(bytes.data() + bytes.size() - sizeof value, &value, sizeof value);
  }
};

CUfunction function(const char* name) {
  CUfunction found;
  OK(cuModuleGetFunction(&found, module, name));
  return found;
}

CUDA_KERNEL_NODE_PARAMS node(const char* name, unsigned grid, unsigned block, Packed& args) {
  return {function(name), grid, 1, 1, block, 1, 1, 0, nullptr, args.extra, nullptr, nullptr};
}

CUresult launch(const char* name, unsigned grid, unsigned block, Packed args) {
  return cuLaunchKernel(function(name), grid, 1, 1, block, 1, 1, 0, stream, nullptr, args.extra);
}

CUdeviceptr allocate(size_t bytes) {
  CUdeviceptr address;
  OK(cuMemAllocAsync(&address, bytes, stream));
  return address;
}

template <typename T>
CUdeviceptr upload(const std::vector<T>& values) {
  const CUdeviceptr address = allocate(values.size() * sizeof(T));
  OK(cuMemcpyHtoDAsync_v2(address, values.data(), values.size() * sizeof(T), stream));
  return address;
}

template <typename T>
std::vector<T> download(CUdeviceptr address, size_t count) {
  std::vector<T> values(count);
  OK(cuMemcpyDtoHAsync_v2(values.data(), address, count * sizeof(T), stream));
  return values;
}

std::vector<float> counting(size_t count, float first = 0) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; i++) values[i] = first + static_cast<float>(i);
  return values;
}

}  // namespace
