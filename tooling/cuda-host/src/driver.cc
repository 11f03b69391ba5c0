// Initialization, the single device, and its primary context.
#include "driver.h"

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "handles.h"
#include "memory.h"
#include "options.h"
#include "report.h"
#include "stream.h"

namespace cuda_host {

namespace {

std::atomic<bool> initialized{false};
std::atomic<CUresult> broken{CUDA_SUCCESS};
std::mutex contextMutex;
uint64_t contextUsers = 0;
/** Increases with every context, so that a thread notices when its context was released. */
std::atomic<uint64_t> contextNumber{0};
thread_local uint64_t currentContext = 0;

CUcontext handleOf(uint64_t number) { return reinterpret_cast<CUcontext>(number << 4); }

bool live(uint64_t number) { return contextUsers > 0 && number == contextNumber; }

}  // namespace

CUresult refuse(CUresult error, const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  fprintf(stderr, "cuda-host: refused with error %d: %s\n", error, text);
  return error;
}

CUresult brokenContext() { return broken; }
void breakContext(CUresult error) { broken = error; }

CUresult checkContext() {
  if (!initialized) return refuse(CUDA_ERROR_NOT_INITIALIZED, "a call before cuInit");
  {
    const std::lock_guard<std::mutex> lock(contextMutex);
    if (!live(currentContext)) return refuse(CUDA_ERROR_INVALID_CONTEXT, "a call from a thread without a current context");
  }
  return broken;
}

void closeAllStreams();

}  // namespace cuda_host

using namespace cuda_host;

CU_EXPORT CUresult cuInit(unsigned flags) {
  if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
  if (options.devices == 0) return CUDA_ERROR_NO_DEVICE;
  catchFaults();
  initialized = true;
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuDriverGetVersion(int* version) {
  *version = static_cast<int>(options.driver);
  return CUDA_SUCCESS;
}

static CUresult checkDevice(CUdevice device) {
  if (!initialized) return refuse(CUDA_ERROR_NOT_INITIALIZED, "a call before cuInit");
  return device == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

CU_EXPORT CUresult cuDeviceGetCount(int* count) {
  if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
  *count = 1;
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  *device = 0;
  return checkDevice(ordinal);
}

CU_EXPORT CUresult cuDeviceGetName(char* name, int bytes, CUdevice device) {
  const CUresult found = checkDevice(device);
  if (found == CUDA_SUCCESS && bytes > 0)
    snprintf(name, static_cast<size_t>(bytes), "stand-in (no GPU): %s level on the CPU, %s", executionLevel, scheduleName());
  return found;
}

CU_EXPORT CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice device) {
  static const struct {
    int attribute, value;
  } known[] = {
      {1, 1024},        // threads per block
      {2, 1024},        // block x
      {3, 1024},        // block y
      {4, 64},          // block z
      {5, 0x7fffffff},  // grid x
      {6, 65535},       // grid y
      {7, 65535},       // grid z
      {8, 48 << 10},    // shared memory per block
      {10, 32},         // warp size
      {12, 65536},      // registers per block
      {13, 1000000},    // clock, kHz
      {16, 4},          // multiprocessors
      {31, 1},          // concurrent kernels
      {36, 1000000},    // memory clock, kHz
      {37, 64},         // bus width, bits
      {38, 1 << 20},    // L2 cache, bytes
      {39, 2048},       // threads per multiprocessor
      {40, 1},          // asynchronous engines
      {41, 0},          // unified addressing
      {81, 100 << 10},  // shared memory per multiprocessor
      {82, 65536},      // registers per multiprocessor
      {97, 48 << 10},   // shared memory per block, opted in
      {115, 1},         // stream-ordered allocation
  };
  if (const CUresult found = checkDevice(device)) return found;
  if (attribute == 75 || attribute == 76) {
    const auto capability = static_cast<int>(options.capability);
    *value = attribute == 75 ? capability / 10 : capability % 10;
    return CUDA_SUCCESS;
  }
  for (const auto& one : known) {
    if (one.attribute != attribute) continue;
    *value = one.value;
    return CUDA_SUCCESS;
  }
  return refuse(CUDA_ERROR_INVALID_VALUE, "cuDeviceGetAttribute: the stand-in has no attribute %d", attribute);
}

CU_EXPORT CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
  *bytes = options.memory;
  return checkDevice(device);
}

CU_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  if (const CUresult found = checkDevice(device)) return found;
  const std::lock_guard<std::mutex> lock(contextMutex);
  if (contextUsers++ == 0) ++contextNumber;
  *context = handleOf(contextNumber);
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  if (const CUresult found = checkDevice(device)) return found;
  const std::lock_guard<std::mutex> lock(contextMutex);
  if (contextUsers == 0) return refuse(CUDA_ERROR_INVALID_CONTEXT, "cuDevicePrimaryCtxRelease: released more often than retained");
  if (--contextUsers > 0) return CUDA_SUCCESS;
  closeAllStreams();
  freeAllDevice();
  broken = CUDA_SUCCESS;
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
  const std::lock_guard<std::mutex> lock(contextMutex);
  const uint64_t number = reinterpret_cast<uint64_t>(context) >> 4;
  if (context != nullptr && !live(number)) return refuse(CUDA_ERROR_INVALID_CONTEXT, "cuCtxSetCurrent: no such context, or one that was released");
  currentContext = number;
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuCtxGetCurrent(CUcontext* context) {
  if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
  const std::lock_guard<std::mutex> lock(contextMutex);
  *context = live(currentContext) ? handleOf(currentContext) : nullptr;
  return CUDA_SUCCESS;
}

static const struct {
  CUresult error;
  const char* name;
  const char* text;
} errors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
};

CU_EXPORT CUresult cuGetErrorName(CUresult error, const char** name) {
  for (const auto& one : errors)
    if (one.error == error) return *name = one.name, CUDA_SUCCESS;
  *name = nullptr;
  return CUDA_ERROR_INVALID_VALUE;
}

CU_EXPORT CUresult cuGetErrorString(CUresult error, const char** text) {
  for (const auto& one : errors)
    if (one.error == error) return *text = one.text, CUDA_SUCCESS;
  *text = nullptr;
  return CUDA_ERROR_INVALID_VALUE;
}
