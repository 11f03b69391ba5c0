// The memory of `__shared__` arrays.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "kernel.h"

namespace cuda_host {

namespace {

constexpr size_t sharedPerBlock = 48 << 10;

uint64_t countedBlock = 0;
size_t usedBytes = 0;

}  // namespace

void* prepareShared(SharedArray& array) {
  if (array.memory == nullptr) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t body = (array.bytes + page - 1) / page * page;
    void* mapping = mmap(nullptr, page + body + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) fail("no address space for shared memory");
    char* start = static_cast<char*>(mapping) + page;
    if (mprotect(start, body, PROT_READ | PROT_WRITE) != 0) fail("no memory for shared memory");
    // At least 16, which vector loads need, and which compilers use for arrays that are loaded as vectors.
    const size_t alignment = array.alignment < 16 ? 16 : array.alignment;
    array.memory = start + (body - array.bytes) / alignment * alignment;
  }
  if (countedBlock != block.serial) {
    countedBlock = block.serial;
    usedBytes = 0;
  }
  usedBytes += array.bytes;
  if (usedBytes > sharedPerBlock) fail("shared memory of %zu bytes with %s; a block has %zu", usedBytes, array.name, sharedPerBlock);
  array.serial = block.serial;
  memset(array.memory, 0xff, array.bytes);
  return array.memory;
}

}  // namespace cuda_host
