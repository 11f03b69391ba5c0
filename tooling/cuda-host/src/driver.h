// The functions of the driver API that the addon uses, with the ABI of CUDA 13, and helpers of their implementations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#define CU_EXPORT extern "C" __attribute__((visibility("default")))

enum CUresult : int {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
};

using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = void*;
using CUstream = void*;
using CUevent = void*;
using CUmodule = void*;
using CUfunction = void*;
using CUgraph = void*;
using CUgraphNode = void*;
using CUgraphExec = void*;
using CUmemoryPool = void*;

struct CUDA_KERNEL_NODE_PARAMS {
  CUfunction func;
  unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes;
  void** kernelParams;
  void** extra;
  void* kern;
  CUcontext ctx;
};

namespace cuda_host {

class Stream;
struct KernelLaunch;

/** The error of a failed launch, or CUDA_SUCCESS. After an error, every call fails until the context is released. */
CUresult brokenContext();
void breakContext(CUresult error);

/** CUDA_SUCCESS, or the error of the calling CPU thread: no cuInit, no current context, or a broken context. */
CUresult checkContext();

/** Returns the stream of a handle. An invalid or destroyed handle is a fault. */
Stream& streamOf(CUstream handle, const char* what);

/**
 * Puts work on a stream, or into the graph that captures the stream. The work is skipped if the context is broken when its turn
 * comes. `what` names the work in reports.
 */
void submit(Stream& stream, const char* what, std::function<void()> work);
void submitLaunch(Stream& stream, std::shared_ptr<const KernelLaunch> launch);

/** Waits for a stream; an error when the stream captures. */
CUresult wait(Stream& stream);

/** Creates a launch, or prints the reason and returns null when a device would refuse it. */
std::shared_ptr<const KernelLaunch> makeLaunch(const CUDA_KERNEL_NODE_PARAMS& params);

/** Prints the reason that a call is refused, because the caller only gets an error code. */
CUresult refuse(CUresult error, const char* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace cuda_host
