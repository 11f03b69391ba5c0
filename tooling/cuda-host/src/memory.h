// Device memory and pinned host memory. Each allocation of the device has pages of its own, ends at a guard page (short of
// it by what an alignment of 16 leaves over; those bytes must keep their value), begins after another, and is full of
// 0xff: NaN as f32, f16 and bf16. A freed allocation cannot be touched, and its addresses are not used again for long.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cuda_host {

/** Null when the device's memory does not suffice. */
uint64_t allocateDevice(size_t bytes);

/** Ends the process with a report when `address` is not the start of a live allocation. `what` names the call. */
void freeDevice(uint64_t address, const char* what);

/** The same at the release of the context: whatever is left goes. */
void freeAllDevice();

/** Ends the process with a report unless all of it lies within one live allocation. */
void checkDeviceRange(uint64_t address, size_t bytes, const char* what);

/** Ends the process with a report if a write beyond an allocation's end hit the bytes before its guard page. */
void checkOverruns();

void* allocatePinned(size_t bytes);
void freePinned(void* memory);

/** Whether copies from or to it may happen later than the call. */
bool isPinned(const void* memory);

/** A line about the allocation that is nearest to an address. Takes no lock that it must wait for. */
void describeAddress(uint64_t address, char* text, size_t bytes);

}  // namespace cuda_host
