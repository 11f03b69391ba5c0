// Addresses. Global, constant, local and parameter memory has addresses of this process. Shared memory has 32-bit offsets, as on
// the hardware, with gaps between its arrays.
#pragma once

#include "types.h"

namespace ptx {

template <typename T>
inline T get(const u8* from) {
  T value;
  memcpy(&value, from, sizeof value);
  return value;
}
template <typename T>
inline void put(u8* to, T value) {
  memcpy(to, &value, sizeof value);
}

template <size_t size>
inline void check_alignment(u64 address, int line) {
  if (address % size != 0) {
    cuda_host::fail("misaligned access of %zu bytes at address 0x%llx, PTX line %d", size, (unsigned long long)address, line);
  }
}

/** Bounds are checked by the stand-in's guard pages. */
template <size_t size>
inline u8* global_bytes(u64 address, int line) {
  check_alignment<size>(address, line);
  return reinterpret_cast<u8*>(address);
}

/** The function's own local memory. */
template <size_t size, size_t total>
inline u8* local_bytes(u8 (&memory)[total], u64 address, int line) {
  check_alignment<size>(address, line);
  const u64 offset = address - u64(memory);
  if (offset > total - size || size > total) {
    cuda_host::fail("%zu bytes at offset %lld of local memory of %zu bytes, PTX line %d", size, (long long)offset, total, line);
  }
  return memory + offset;
}

/** The GPU kernel's parameters, at a computed address. */
template <size_t size>
inline const u8* param_bytes(const u8* args, size_t total, u64 address, int line) {
  const u64 offset = address - u64(args);
  if (offset > total || size > total - offset || offset % size != 0) {
    cuda_host::fail("%zu bytes at offset %lld of parameters of %zu bytes, PTX line %d", size, (long long)offset, total, line);
  }
  return args + offset;
}

struct SharedSlot {
  u32 offset;
  cuda_host::SharedArray* array;
};
struct SharedWindow {
  const SharedSlot* slots;
  size_t count;
};

[[noreturn]] inline void fail_shared(SharedWindow window, u64 address, size_t size, int line) {
  // The report names the array below the address, which is a guess.
  const SharedSlot* below = window.slots;
  for (size_t i = 1; i < window.count; i++) {
    if (window.slots[i].offset <= address) below = &window.slots[i];
  }
  cuda_host::fail("%zu bytes at offset %lld of shared %s of %zu bytes, PTX line %d", size,
                  (long long)(address - below->offset), below->array->name, below->array->bytes, line);
}

template <size_t size>
inline u8* shared_bytes(SharedWindow window, u64 address, int line) {
  check_alignment<size>(address, line);
  for (size_t i = 0; i < window.count; i++) {
    const SharedSlot& slot = window.slots[i];
    const u64 offset = address - slot.offset;
    if (offset < slot.array->bytes && size <= slot.array->bytes - offset) {
      return static_cast<u8*>(cuda_host::sharedMemory(*slot.array)) + offset;
    }
  }
  fail_shared(window, address, size, line);
}

/** cvta.shared; the end of an array is a valid address too. */
inline u64 generic_address(SharedWindow window, u64 address, int line) {
  for (size_t i = 0; i < window.count; i++) {
    const SharedSlot& slot = window.slots[i];
    const u64 offset = address - slot.offset;
    if (offset <= slot.array->bytes) return u64(cuda_host::sharedMemory(*slot.array)) + offset;
  }
  cuda_host::fail("0x%llx is not in shared memory, PTX line %d", (unsigned long long)address, line);
}

/** cvta.to.shared. */
inline u64 shared_offset(SharedWindow window, u64 address, int line) {
  for (size_t i = 0; i < window.count; i++) {
    const SharedSlot& slot = window.slots[i];
    const u64 offset = address - u64(cuda_host::sharedMemory(*slot.array));
    if (offset <= slot.array->bytes) return slot.offset + offset;
  }
  cuda_host::fail("0x%llx is not in shared memory, PTX line %d", (unsigned long long)address, line);
}

}  // namespace ptx
