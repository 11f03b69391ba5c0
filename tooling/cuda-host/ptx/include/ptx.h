// Functions that the C++ translated from PTX calls.
#pragma once

#include "approximate.h"
#include "convert.h"
#include "floats.h"
#include "integers.h"
#include "memory.h"
#include "types.h"

namespace ptx {

/**
 * `shfl.sync`. Bits 8 to 12 of `c` are the mask of the lane groups, and its lower five bits the last lane of a group (the first
 * lane for .up), in the form that CUDA's intrinsics generate for a width that is a power of two.
 */
template <cuda_host::Shuffle kind>
inline u32 shuffle(u32 value, u32 b, u32 c, u32 mask, bool* inside, cuda_host::Where where) {
  const u32 width = 32 - ((c >> 8) & 0x1f);
  const u32 clamp = kind == cuda_host::Shuffle::Up ? 0 : 0x1f;
  if ((c & 0xff) != clamp || (width & (width - 1)) != 0) {
    cuda_host::fail("shfl.sync with operand c 0x%x at %s:%d", c, where.file, where.line);
  }
  // An index wraps around in its group.
  const u32 operand = b & (kind == cuda_host::Shuffle::Index ? width - 1 : 0x1f);
  return cuda_host::shuffle(kind, mask, value, operand, width, inside, where);
}

}  // namespace ptx
