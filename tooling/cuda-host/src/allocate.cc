// Allocation of device and pinned memory outside of a stream.
#include "driver.h"
#include "memory.h"
#include "options.h"

using namespace cuda_host;

CU_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  if (const CUresult error = checkContext()) return error;
  if (bytes == 0) return refuse(CUDA_ERROR_INVALID_VALUE, "cuMemAlloc of 0 bytes");
  *address = allocateDevice(bytes);
  return *address != 0 ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CU_EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
  if (const CUresult error = checkContext()) return error;
  freeDevice(address, "cuMemFree");
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuMemGetInfo_v2(size_t* available, size_t* total) {
  if (const CUresult error = checkContext()) return error;
  const uint64_t used = counters.liveBytes;
  *total = options.memory;
  *available = *total > used ? *total - used : 0;
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuMemAllocHost_v2(void** memory, size_t bytes) {
  if (const CUresult error = checkContext()) return error;
  if (bytes == 0) return refuse(CUDA_ERROR_INVALID_VALUE, "cuMemAllocHost of 0 bytes");
  *memory = allocatePinned(bytes);
  return *memory != nullptr ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CU_EXPORT CUresult cuMemFreeHost(void* memory) {
  if (const CUresult error = checkContext()) return error;
  freePinned(memory);
  return CUDA_SUCCESS;
}

// The device has one memory pool. It keeps no freed memory: every allocation is new.
static int defaultPool;

CU_EXPORT CUresult cuDeviceGetDefaultMemPool(CUmemoryPool* pool, CUdevice device) {
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  *pool = &defaultPool;
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuMemPoolSetAttribute(CUmemoryPool pool, int attribute, void* value) {
  constexpr int releaseThreshold = 4;
  if (pool != &defaultPool || attribute != releaseThreshold || value == nullptr) return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t) {
  return pool == &defaultPool ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
