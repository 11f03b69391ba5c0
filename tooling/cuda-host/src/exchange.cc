// Warp operations: synchronization, shuffles and ballots.
#include "wait.h"

namespace cuda_host {

void syncWarp(uint32_t mask, Where where) { enterWarp(At::WarpBarrier, mask, 0, where); }

uint32_t shuffle(Shuffle kind, uint32_t mask, uint32_t value, uint32_t operand, uint32_t width, bool* inside, Where where) {
  const uint32_t lane = block.threadIdx.x % 32;
  const uint32_t* values = enterWarp(At::Shuffle, mask, value, where);
  const uint32_t first = lane & ~(width - 1);
  const uint32_t end = first + width;
  uint32_t source = lane;
  bool found = true;
  switch (kind) {
    case Shuffle::Index:
      source = first + (operand & (width - 1));
      break;
    case Shuffle::Up:
      found = lane >= first + operand;
      source = lane - operand;
      break;
    case Shuffle::Down:
      found = lane + operand < end;
      source = lane + operand;
      break;
    case Shuffle::Xor:
      source = lane ^ operand;
      found = source < end;
      break;
  }
  if (inside != nullptr) *inside = found;
  return found ? values[source % 32] : value;
}

uint32_t ballot(uint32_t mask, bool predicate, Where where) {
  const uint32_t* values = enterWarp(At::Ballot, mask, predicate, where);
  uint32_t bits = 0;
  for (uint32_t lane = 0; lane < 32; lane++) bits |= (values[lane] & 1u) << lane;
  return bits;
}

}  // namespace cuda_host
