#pragma once
// The CUDA driver library, loaded at the first call. Its functions are declared here, so that a build needs no CUDA toolkit and
// the addon loads without a driver.

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace mamba {

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st*;
using CUstream = struct CUstream_st*;
using CUmodule = struct CUmod_st*;
using CUfunction = struct CUfunc_st*;
using CUkernel = struct CUkern_st*;
using CUevent = struct CUevent_st*;
using CUgraph = struct CUgraph_st*;
using CUgraphNode = struct CUgraphNode_st*;
using CUgraphExec = struct CUgraphExec_st*;
using CUmemoryPool = struct CUmemPoolHandle_st*;

// CUDA_KERNEL_NODE_PARAMS_v2
struct KernelNodeParams {
  CUfunction func;
  unsigned gridDimX, gridDimY, gridDimZ;
  unsigned blockDimX, blockDimY, blockDimZ;
  unsigned sharedMemBytes;
  void** kernelParams;
  void** extra;
  CUkernel kern;
  CUcontext ctx;
};
static_assert(sizeof(KernelNodeParams) == 72, "layout of the driver on 64-bit machines");

constexpr CUresult kSuccess = 0;
constexpr CUresult kInvalidValue = 1;
constexpr CUresult kOutOfMemory = 2;
constexpr CUresult kDeinitialized = 4;
constexpr CUresult kNotReady = 600;

constexpr int kAttributeComputeMajor = 75;
constexpr int kAttributeComputeMinor = 76;
constexpr int kAttributeMemoryPools = 115;
constexpr int kPoolReleaseThreshold = 4;
constexpr unsigned kStreamNonBlocking = 1;
constexpr unsigned kEventDisableTiming = 2;

// CU_LAUNCH_PARAM_*: packed arguments.
inline void* const kParamEnd = nullptr;
inline void* const kParamPointer = reinterpret_cast<void*>(1);
inline void* const kParamSize = reinterpret_cast<void*>(2);

// Functions of the driver: name in the library, member of Driver, parameters.
#define MAMBA_DRIVER_FUNCTIONS(X)                                                                           \
  X(cuInit, init, (unsigned flags))                                                                         \
  X(cuDriverGetVersion, driverGetVersion, (int* version))                                                   \
  X(cuDeviceGetCount, deviceGetCount, (int* count))                                                         \
  X(cuDeviceGet, deviceGet, (CUdevice * device, int ordinal))                                               \
  X(cuDeviceGetName, deviceGetName, (char* name, int length, CUdevice device))                              \
  X(cuDeviceGetAttribute, deviceGetAttribute, (int* value, int attribute, CUdevice device))                 \
  X(cuDeviceTotalMem_v2, deviceTotalMem, (size_t * bytes, CUdevice device))                                 \
  X(cuDeviceGetDefaultMemPool, deviceGetDefaultMemPool, (CUmemoryPool * pool, CUdevice device))             \
  X(cuDevicePrimaryCtxRetain, primaryCtxRetain, (CUcontext * context, CUdevice device))                     \
  X(cuDevicePrimaryCtxRelease_v2, primaryCtxRelease, (CUdevice device))                                     \
  X(cuCtxSetCurrent, ctxSetCurrent, (CUcontext context))                                                    \
  X(cuStreamCreate, streamCreate, (CUstream * stream, unsigned flags))                                      \
  X(cuStreamDestroy_v2, streamDestroy, (CUstream stream))                                                   \
  X(cuStreamSynchronize, streamSynchronize, (CUstream stream))                                              \
  X(cuModuleLoadData, moduleLoadData, (CUmodule * module, const void* image))                               \
  X(cuModuleUnload, moduleUnload, (CUmodule module))                                                        \
  X(cuModuleGetFunction, moduleGetFunction, (CUfunction * function, CUmodule module, const char* name))     \
  X(cuMemAllocAsync, memAllocAsync, (CUdeviceptr * address, size_t bytes, CUstream stream))                 \
  X(cuMemFreeAsync, memFreeAsync, (CUdeviceptr address, CUstream stream))                                   \
  X(cuMemAlloc_v2, memAlloc, (CUdeviceptr * address, size_t bytes))                                         \
  X(cuMemFree_v2, memFree, (CUdeviceptr address))                                                           \
  X(cuMemAllocHost_v2, memAllocHost, (void** memory, size_t bytes))                                         \
  X(cuMemFreeHost, memFreeHost, (void* memory))                                                             \
  X(cuMemPoolSetAttribute, memPoolSetAttribute, (CUmemoryPool pool, int attribute, void* value))            \
  X(cuMemPoolTrimTo, memPoolTrimTo, (CUmemoryPool pool, size_t bytes))                                      \
  X(cuMemcpyHtoDAsync_v2, memcpyHtoDAsync,                                                                  \
    (CUdeviceptr target, const void* source, size_t bytes, CUstream stream))                                \
  X(cuMemcpyDtoHAsync_v2, memcpyDtoHAsync,                                                                  \
    (void* target, CUdeviceptr source, size_t bytes, CUstream stream))                                      \
  X(cuLaunchKernel, launchKernel,                                                                           \
    (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, \
     unsigned blockZ, unsigned sharedBytes, CUstream stream, void** params, void** extra))                  \
  X(cuEventCreate, eventCreate, (CUevent * event, unsigned flags))                                          \
  X(cuEventDestroy_v2, eventDestroy, (CUevent event))                                                       \
  X(cuEventRecord, eventRecord, (CUevent event, CUstream stream))                                           \
  X(cuEventSynchronize, eventSynchronize, (CUevent event))                                                  \
  X(cuEventQuery, eventQuery, (CUevent event))                                                              \
  X(cuGraphCreate, graphCreate, (CUgraph * graph, unsigned flags))                                          \
  X(cuGraphDestroy, graphDestroy, (CUgraph graph))                                                          \
  X(cuGraphAddKernelNode_v2, graphAddKernelNode,                                                            \
    (CUgraphNode * node, CUgraph graph, const CUgraphNode* before, size_t count, const KernelNodeParams*))  \
  X(cuGraphInstantiateWithFlags, graphInstantiate,                                                          \
    (CUgraphExec * exec, CUgraph graph, unsigned long long flags))                                          \
  X(cuGraphExecKernelNodeSetParams_v2, graphExecSetParams,                                                  \
    (CUgraphExec exec, CUgraphNode node, const KernelNodeParams* params))                                   \
  X(cuGraphLaunch, graphLaunch, (CUgraphExec exec, CUstream stream))                                        \
  X(cuGraphExecDestroy, graphExecDestroy, (CUgraphExec exec))                                               \
  X(cuGetErrorName, getErrorName, (CUresult result, const char** name))                                     \
  X(cuGetErrorString, getErrorString, (CUresult result, const char** text))

struct Driver {
#define MAMBA_MEMBER(symbol, name, params) CUresult(*name) params;
  MAMBA_DRIVER_FUNCTIONS(MAMBA_MEMBER)
#undef MAMBA_MEMBER
};

// The driver library is missing, or lacks a function that newer drivers have.
struct NoDriver : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// An error returned by a function of the driver.
struct CudaError : std::runtime_error {
  CudaError(CUresult code, const std::string& message) : std::runtime_error(message), code(code) {}
  CUresult code;
};

// Returns the driver library; the first call loads it. MAMBA_CUDA_DRIVER overrides the system's library. Throws NoDriver.
const Driver& driver();

// Returns the driver's name of a result, such as CUDA_ERROR_ILLEGAL_ADDRESS.
std::string errorName(CUresult code);

// Throws CudaError unless the call succeeded.
void check(CUresult result, const char* call);

// Loads a shared library and looks up its functions; both return null on failure. Libraries are never unloaded.
void* openLibrary(const char* name, std::string& error);
void* findSymbol(void* library, const char* name);

}  // namespace mamba
