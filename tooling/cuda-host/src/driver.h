// The driver API as far as our addon uses it: declarations (CUDA 13, for the same ABI) and what its parts share.
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

/** The error that a failed launch left, after which nothing works until the context is released; or CUDA_SUCCESS. */
CUresult brokenContext();
void breakContext(CUresult error);

/** Success, or why the calling CPU thread can do nothing: no cuInit, no current context, a broken context. */
CUresult checkContext();

/** The stream behind a handle; a handle that is none, or was destroyed, is a fault. */
Stream& streamOf(CUstream handle, const char* what);

/**
 * Puts work on a stream, or into the graph that captures it. It is skipped when the context broke by then; `what` names
 * it in reports.
 */
void submit(Stream& stream, const char* what, std::function<void()> work);
void submitLaunch(Stream& stream, std::shared_ptr<const KernelLaunch> launch);

/** Waits for a stream, unless that is impossible because it captures. */
CUresult wait(Stream& stream);

/** A launch out of its parameters, or null when a device would refuse it; the reason is printed. */
std::shared_ptr<const KernelLaunch> makeLaunch(const CUDA_KERNEL_NODE_PARAMS& params);

/** Prints why a call is refused, for whoever reads only an error code otherwise. */
CUresult refuse(CUresult error, const char* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace cuda_host
