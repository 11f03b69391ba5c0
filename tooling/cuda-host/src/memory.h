// Device memory and pinned host memory. Each device allocation has its own pages between guard pages and ends at a guard page,
// except for up to 15 bytes of alignment padding, which must keep their value. It is filled with 0xff, which is NaN as f32, f16
// and bf16. An access to a freed allocation is a fault, and its addresses stay reserved for a long time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cuda_host {

/** Returns 0 when the device has too little memory. */
uint64_t allocateDevice(size_t bytes);

/** Ends the process with a report when `address` is not the start of a live allocation. `what` names the call. */
void freeDevice(uint64_t address, const char* what);

/** Frees all remaining allocations when the context is released. */
void freeAllDevice();

/** Ends the process with a report unless the whole range is within one live allocation. */
void checkDeviceRange(uint64_t address, size_t bytes, const char* what);

/** Ends the process with a report if a write changed the padding between an allocation and its guard page. */
void checkOverruns();

void* allocatePinned(size_t bytes);
void freePinned(void* memory);

/** True for pinned memory: copies from or to it may happen after the call returns. */
bool isPinned(const void* memory);

/** Writes a line about the allocation nearest to an address. Never waits for a lock. */
void describeAddress(uint64_t address, char* text, size_t bytes);

}  // namespace cuda_host
