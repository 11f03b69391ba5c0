// Compares native/driver.h with NVIDIA's header. The test is that this file compiles.

#include <cuda.h>

// After cuda.h, so that the handles of both are the same types.
#include "driver.h"

#include <cstddef>
#include <type_traits>

namespace {

// Enumerations are declared as int, and one struct has another name.
template <typename Ours, typename Theirs>
constexpr bool kSame = std::is_same_v<Ours, Theirs> || (std::is_same_v<Ours, int> && std::is_enum_v<Theirs>) ||
                       (std::is_same_v<Ours, const mamba::KernelNodeParams*> &&
                        std::is_same_v<Theirs, const CUDA_KERNEL_NODE_PARAMS*>);

template <typename Ours, typename Theirs>
struct Matches : std::false_type {};
template <typename... Ours, typename... Theirs>
struct Matches<int (*)(Ours...), CUresult (*)(Theirs...)>
    : std::bool_constant<sizeof...(Ours) == sizeof...(Theirs) && (kSame<Ours, Theirs> && ...)> {};

#define CHECK_FUNCTION(symbol, member, params) \
  static_assert(Matches<decltype(mamba::Driver::member), decltype(&::symbol)>::value, #symbol);
MAMBA_DRIVER_FUNCTIONS(CHECK_FUNCTION)

using Params = CUDA_KERNEL_NODE_PARAMS;
static_assert(sizeof(mamba::KernelNodeParams) == sizeof(Params));
#define CHECK_FIELD(field) static_assert(offsetof(mamba::KernelNodeParams, field) == offsetof(Params, field), #field);
CHECK_FIELD(func)
CHECK_FIELD(gridDimX)
CHECK_FIELD(gridDimZ)
CHECK_FIELD(blockDimX)
CHECK_FIELD(blockDimZ)
CHECK_FIELD(sharedMemBytes)
CHECK_FIELD(kernelParams)
CHECK_FIELD(extra)
CHECK_FIELD(kern)
CHECK_FIELD(ctx)

static_assert(mamba::kSuccess == CUDA_SUCCESS);
static_assert(mamba::kInvalidValue == CUDA_ERROR_INVALID_VALUE);
static_assert(mamba::kOutOfMemory == CUDA_ERROR_OUT_OF_MEMORY);
static_assert(mamba::kDeinitialized == CUDA_ERROR_DEINITIALIZED);
static_assert(mamba::kNotReady == CUDA_ERROR_NOT_READY);
static_assert(mamba::kAttributeComputeMajor == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
static_assert(mamba::kAttributeComputeMinor == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
static_assert(mamba::kAttributeMemoryPools == CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED);
static_assert(mamba::kPoolReleaseThreshold == CU_MEMPOOL_ATTR_RELEASE_THRESHOLD);
static_assert(mamba::kStreamNonBlocking == CU_STREAM_NON_BLOCKING);
static_assert(mamba::kEventDisableTiming == CU_EVENT_DISABLE_TIMING);

}  // namespace
