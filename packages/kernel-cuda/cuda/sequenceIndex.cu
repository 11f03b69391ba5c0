#include "sequences.cuh"

constexpr uint32_t kIndexBlock = 256;
constexpr uint32_t kIndexNone = 0xffffffffu;

// The index of packed sequences, as in sequences.cuh, from `ids` i32 [B, L]. A negative number is padding. A real position starts
// a sequence when its number differs from that of the last real position before it. One block per row; each thread goes three
// times over a chunk of positions. Between, the chunks exchange the number of their real positions, the last of these, and the
// rank at which their last sequence starts.
extern "C" __global__ void __launch_bounds__(kIndexBlock, 4)
    sequenceIndex(const int32_t* __restrict__ ids, uint32_t* __restrict__ index, uint32_t length) {
  __shared__ uint32_t counts[kIndexBlock];
  __shared__ uint32_t lasts[kIndexBlock];
  __shared__ uint32_t starts[kIndexBlock];
  const int32_t* id = ids + (size_t)blockIdx.x * length;
  uint32_t* positionOf = index + (size_t)blockIdx.x * (2 * length + 1);
  uint32_t* startOf = positionOf + length;
  const uint32_t tid = threadIdx.x;
  const uint32_t size = (length + kIndexBlock - 1) / kIndexBlock;
  const uint32_t begin = min(tid * size, length);
  const uint32_t end = min(begin + size, length);

  uint32_t count = 0;
  uint32_t last = kIndexNone;
  for (uint32_t l = begin; l < end; l++) {
    if (id[l] < 0) continue;
    count++;
    last = l;
  }
  counts[tid] = count;
  lasts[tid] = last;
  __syncthreads();

  uint32_t first = 0;
  uint32_t total = 0;
  uint32_t before = kIndexNone;
  for (uint32_t i = 0; i < kIndexBlock; i++) {
    if (i == tid) first = total;
    if (i < tid && counts[i] > 0) before = lasts[i];
    total += counts[i];
  }
  uint32_t rank = first;
  uint32_t previous = before;
  uint32_t start = kIndexNone;
  for (uint32_t l = begin; l < end; l++) {
    if (id[l] < 0) {
      positionOf[total + l - rank] = l;
      continue;
    }
    if (previous != kIndexNone && id[previous] != id[l]) start = rank;
    positionOf[rank++] = l;
    previous = l;
  }
  starts[tid] = start;
  __syncthreads();

  start = 0;
  for (uint32_t i = 0; i < tid; i++) {
    if (starts[i] != kIndexNone) start = starts[i];
  }
  rank = first;
  previous = before;
  for (uint32_t l = begin; l < end; l++) {
    if (id[l] < 0) continue;
    if (previous != kIndexNone && id[previous] != id[l]) start = rank;
    startOf[rank++] = start;
    previous = l;
  }
  if (tid == 0) startOf[length] = total;
}
