#include "common.cuh"

// Sets `vectors` times 16 bytes of the target to 0, then `tail` bytes.
extern "C" __global__ void clear(uint8_t* target, uint32_t vectors, uint32_t tail) {
  const size_t step = (size_t)gridDim.x * blockDim.x;
  const size_t first = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  for (size_t i = first; i < vectors; i += step) {
    reinterpret_cast<uint4*>(target)[i] = make_uint4(0, 0, 0, 0);
  }
  if (first < tail) target[(size_t)vectors * 16 + first] = 0;
}

// Copies `vectors` times 16 bytes, then `tail` bytes.
extern "C" __global__ void copy(uint8_t* target, const uint8_t* source, uint32_t vectors, uint32_t tail) {
  const size_t step = (size_t)gridDim.x * blockDim.x;
  const size_t first = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
  for (size_t i = first; i < vectors; i += step) {
    reinterpret_cast<uint4*>(target)[i] = reinterpret_cast<const uint4*>(source)[i];
  }
  if (first < tail) target[(size_t)vectors * 16 + first] = source[(size_t)vectors * 16 + first];
}

// Host data as an argument of the launch, so that a step with a new token id stays one graph.
struct HostWords {
  uint32_t words[64];
};

// Copies `halves` times 2 bytes from the words to the target.
extern "C" __global__ void writeWords(uint16_t* target, uint32_t halves, HostWords words) {
  const uint32_t i = threadIdx.x;
  if (i < halves) target[i] = (uint16_t)(words.words[i / 2] >> (16 * (i % 2)));
}

// Copies one field of `blocks` quantised blocks: `width` times 2 bytes of each, from blocks that start `fromStride` apart to
// places that start `toStride` apart, in units of 2 bytes.
extern "C" __global__ void __launch_bounds__(256)
    copyField(const uint16_t* __restrict__ from, uint16_t* __restrict__ to, uint32_t blocks, uint32_t width,
              uint32_t fromStride, uint32_t toStride) {
  const size_t i = (size_t)blockIdx.x * 256 + threadIdx.x;
  if (i >= (size_t)blocks * width) return;
  const size_t b = i / width;
  const size_t k = i - b * width;
  to[b * toStride + k] = from[b * fromStride + k];
}
