#include "scan.cuh"

// The scan, for u, delta, z [B, L, D] and B, C [B, L, N]:
//   dt   = softplus(delta + deltaBias)
//   h[l] = exp(dt[l] * A) * h[l-1] + dt[l] * B[l] * u[l]
//   y[l] = (sum_n C[l,n] * h[l,n] + D * u[l]) * silu(z[l])
//
// A thread reads and writes one channel. In the recurrence, two adjacent threads compute both of their channels: each has eight
// of the 16 states of both, so that a number of B or C loaded from shared memory is used for two channels. The exchange takes
// three shuffles per step.

constexpr uint32_t kScanBlock = 64;
// Positions loaded at a time, while the previous ones are computed.
constexpr uint32_t kScanSteps = 8;
constexpr uint32_t kScanHalf = kScanStates / 2;
constexpr uint32_t kScanTile = kScanSteps * kScanStates;

// Eight states of the thread's own channel and of the adjacent thread's channel.
struct ScanStates {
  float own[kScanHalf];
  float other[kScanHalf];
};

// The inputs of the next positions.
struct ScanAhead {
  float u[kScanSteps];
  float delta[kScanSteps];
  float z[kScanSteps];
  float B[kScanTile / kScanBlock];
  float C[kScanTile / kScanBlock];
};

// With kOutput: scans chunk c from the state in slot c of `slots` (from `initial` when there is one chunk) and writes y, the
// last state to `finalState`, and the state before every 16th position to `kept`. Without kOutput: scans chunk c from a state
// of 0 and writes the state after it to slot c, and the sum of the steps to `sums` [chunks, B, D].
template <bool kOutput>
__device__ inline void scanChunk(const ScanInputs& in, const float* __restrict__ initial, float* slots,
                                 float* __restrict__ sums, float* y, float* __restrict__ finalState,
                                 float* __restrict__ kept, uint32_t chunks, uint32_t chunkLength) {
  __shared__ float4 staged[2 * 2 * kScanTile / 4];
  const uint32_t tiles = (in.channels + kScanBlock - 1) / kScanBlock;
  // Without kOutput the last chunk is not needed.
  const uint32_t taken = kOutput ? chunks : chunks - 1;
  const uint32_t tile = blockIdx.x % tiles;
  const uint32_t c = blockIdx.x / tiles % taken;
  const uint32_t b = blockIdx.x / tiles / taken;
  const uint32_t tid = threadIdx.x;
  const uint32_t d = tile * kScanBlock + tid;
  const bool mine = d < in.channels;
  const uint32_t half = (tid & 1) * kScanHalf;
  const Range real = rangeOf(in.range, b, in.length);
  const uint32_t from = c * chunkLength;
  const uint32_t to = min(from + chunkLength, in.length);
  const size_t row = (size_t)b * in.length;
  const float bias = mine && in.deltaBias != nullptr ? in.deltaBias[d] : 0.0f;
  const float skip = mine && in.D != nullptr ? in.D[d] : 0.0f;
  const float* u = in.u + row * in.uStride + d;
  const float* delta = in.delta + row * in.deltaStride + d;
  const float* z = in.z == nullptr ? nullptr : in.z + row * in.zStride + d;
  float* out = kOutput ? y + row * in.channels + d : nullptr;

  for (uint32_t first = 0; first < in.stateSize; first += kScanStates) {
    const uint32_t n = first + half;
    const bool last = first + kScanStates >= in.stateSize;
    ScanStates rate;
    ScanStates h;
#pragma unroll
    for (uint32_t i = 0; i < kScanHalf; i++) {
      rate.own[i] = rateAt(in, d, n + i);
      rate.other[i] = rateAt(in, d ^ 1, n + i);
      h.own[i] = 0.0f;
      h.other[i] = 0.0f;
      if (kOutput && n + i < in.stateSize) {
        if (chunks > 1) {
          if (mine) h.own[i] = slots[slotOf(in, c, b, n + i, d)];
          if ((d ^ 1) < in.channels) h.other[i] = slots[slotOf(in, c, b, n + i, d ^ 1)];
        } else if (initial != nullptr) {
          if (mine) h.own[i] = initial[((size_t)b * in.channels + d) * in.stateSize + n + i];
          if ((d ^ 1) < in.channels) h.other[i] = initial[((size_t)b * in.channels + (d ^ 1)) * in.stateSize + n + i];
        }
      }
    }
    float total = 0.0f;

    ScanAhead ahead;
    const auto isReal = [&](uint32_t l) { return l >= real.start && l < real.end && l < to; };
    const auto fetch = [&](uint32_t l) {
#pragma unroll
      for (uint32_t t = 0; t < kScanSteps; t++) {
        const bool wanted = mine && isReal(l + t);
        ahead.u[t] = wanted ? u[(size_t)(l + t) * in.uStride] : 0.0f;
        ahead.delta[t] = wanted ? delta[(size_t)(l + t) * in.deltaStride] : 0.0f;
        if (kOutput) ahead.z[t] = wanted && last && z != nullptr ? z[(size_t)(l + t) * in.zStride] : 0.0f;
      }
#pragma unroll
      for (uint32_t k = 0; k < kScanTile / kScanBlock; k++) {
        const uint32_t at = l + (k * kScanBlock + tid) / kScanStates;
        const uint32_t column = first + tid % kScanStates;
        const bool wanted = column < in.stateSize && isReal(at);
        ahead.B[k] = wanted ? in.B[(row + at) * in.bStride + column] : 0.0f;
        if (kOutput) ahead.C[k] = wanted ? in.C[(row + at) * in.cStride + column] : 0.0f;
      }
    };

    fetch(from);
    uint32_t buffer = 0;
    for (uint32_t l = from; l < to; l += kScanSteps) {
      if (kOutput && kept != nullptr && l % kScanKept == 0) {
#pragma unroll
        for (uint32_t i = 0; i < kScanHalf; i++) {
          if (n + i >= in.stateSize) continue;
          if (mine) kept[slotOf(in, l / kScanKept, b, n + i, d)] = h.own[i];
          if ((d ^ 1) < in.channels) kept[slotOf(in, l / kScanKept, b, n + i, d ^ 1)] = h.other[i];
        }
      }
      if (l + kScanSteps <= real.start || l >= real.end) {
        if (kOutput && mine && first == 0) {
          for (uint32_t t = l; t < min(l + kScanSteps, to); t++) out[(size_t)t * in.channels] = 0.0f;
        }
        fetch(l + kScanSteps);
        continue;
      }

      // Two buffers in turn need one barrier: a thread writes a buffer again only after the barrier of the other buffer.
      float* B = reinterpret_cast<float*>(staged) + buffer * 2 * kScanTile;
      float* C = B + kScanTile;
      buffer ^= 1;
#pragma unroll
      for (uint32_t k = 0; k < kScanTile / kScanBlock; k++) {
        B[k * kScanBlock + tid] = ahead.B[k];
        if (kOutput) C[k * kScanBlock + tid] = ahead.C[k];
      }
      float x[kScanSteps];
      float dt[kScanSteps];
      float gate[kScanSteps];
#pragma unroll
      for (uint32_t t = 0; t < kScanSteps; t++) {
        x[t] = ahead.u[t];
        dt[t] = mine && isReal(l + t) ? stepSize(in, ahead.delta[t] + bias) : 0.0f;
        total += dt[t];
        if (kOutput) gate[t] = z == nullptr ? 1.0f : scanSilu(ahead.z[t]);
      }
      __syncthreads();
      fetch(l + kScanSteps);

#pragma unroll
      for (uint32_t t = 0; t < kScanSteps; t++) {
        const float input = dt[t] * x[t];
        const float otherDt = __shfl_xor_sync(kAllLanes, dt[t], 1);
        const float otherInput = __shfl_xor_sync(kAllLanes, input, 1);
        float sum = 0.0f;
        float otherSum = 0.0f;
#pragma unroll
        for (uint32_t i = 0; i < kScanHalf; i += 4) {
          const float4 in4 = *reinterpret_cast<const float4*>(B + t * kScanStates + half + i);
          const float bs[4] = {in4.x, in4.y, in4.z, in4.w};
          float cs[4];
          if (kOutput) {
            const float4 out4 = *reinterpret_cast<const float4*>(C + t * kScanStates + half + i);
            cs[0] = out4.x;
            cs[1] = out4.y;
            cs[2] = out4.z;
            cs[3] = out4.w;
          }
#pragma unroll
          for (uint32_t j = 0; j < 4; j++) {
            h.own[i + j] = exp2Fast(dt[t] * rate.own[i + j]) * h.own[i + j] + input * bs[j];
            h.other[i + j] = exp2Fast(otherDt * rate.other[i + j]) * h.other[i + j] + otherInput * bs[j];
            if (kOutput) {
              sum += cs[j] * h.own[i + j];
              otherSum += cs[j] * h.other[i + j];
            }
          }
        }
        if (kOutput) {
          sum += __shfl_xor_sync(kAllLanes, otherSum, 1);
          if (mine && l + t < to) {
            float* place = out + (size_t)(l + t) * in.channels;
            if (first > 0) sum += *place;
            if (last) sum = (sum + skip * x[t]) * gate[t];
            *place = isReal(l + t) ? sum : 0.0f;
          }
        }
      }
    }

#pragma unroll
    for (uint32_t i = 0; i < kScanHalf; i++) {
      if (n + i >= in.stateSize) continue;
      if (!kOutput) {
        if (mine) slots[slotOf(in, c, b, n + i, d)] = h.own[i];
        if ((d ^ 1) < in.channels) slots[slotOf(in, c, b, n + i, d ^ 1)] = h.other[i];
      } else if (finalState != nullptr && c == chunks - 1) {
        if (mine) finalState[((size_t)b * in.channels + d) * in.stateSize + n + i] = h.own[i];
        if ((d ^ 1) < in.channels) {
          finalState[((size_t)b * in.channels + (d ^ 1)) * in.stateSize + n + i] = h.other[i];
        }
      }
    }
    if (!kOutput && first == 0 && mine) sums[((size_t)c * in.batch + b) * in.channels + d] = total;
    // The next 16 states start with the first buffer again.
    __syncthreads();
  }
}

// The scan as above. Each block computes 64 channels of one chunk of one batch row.
extern "C" __global__ void __launch_bounds__(kScanBlock)
    selectiveScan(const float* __restrict__ u, const float* __restrict__ delta, const float* __restrict__ A,
                  const float* __restrict__ B, const float* __restrict__ C, const float* __restrict__ D,
                  const float* __restrict__ z, const float* __restrict__ deltaBias, const int32_t* __restrict__ range,
                  const float* __restrict__ initial, float* slots, float* y, float* __restrict__ finalState,
                  float* __restrict__ kept, uint32_t batch, uint32_t length, uint32_t channels, uint32_t stateSize,
                  uint32_t uStride, uint32_t deltaStride, uint32_t bStride, uint32_t cStride, uint32_t zStride,
                  uint32_t deltaSoftplus, uint32_t chunks, uint32_t chunkLength) {
  const ScanInputs in = {u,      delta,    A,         B,       C,           D,       z,       deltaBias, range,        batch,
                         length, channels, stateSize, uStride, deltaStride, bStride, cStride, zStride,   deltaSoftplus};
  scanChunk<true>(in, initial, slots, nullptr, y, finalState, kept, chunks, chunkLength);
}

// The first of three launches when there are too few channels to fill the device and the sequence is split into chunks. Each
// chunk starts from h = 0: h[l] = exp(dt[l] * A) * h[l-1] + dt[l] * B[l] * u[l]. selectiveScanCarry and selectiveScan follow.
extern "C" __global__ void __launch_bounds__(kScanBlock)
    selectiveScanChunks(const float* __restrict__ u, const float* __restrict__ delta, const float* __restrict__ A,
                        const float* __restrict__ B, const float* __restrict__ deltaBias,
                        const int32_t* __restrict__ range, float* __restrict__ slots, float* __restrict__ sums,
                        uint32_t batch, uint32_t length, uint32_t channels, uint32_t stateSize, uint32_t uStride,
                        uint32_t deltaStride, uint32_t bStride, uint32_t deltaSoftplus, uint32_t chunks,
                        uint32_t chunkLength) {
  const ScanInputs in = {u,      delta,    A,         B,       nullptr,     nullptr, nullptr, deltaBias, range,        batch,
                         length, channels, stateSize, uStride, deltaStride, bStride, 0,       0,         deltaSoftplus};
  scanChunk<false>(in, nullptr, slots, sums, nullptr, nullptr, nullptr, chunks, chunkLength);
}
