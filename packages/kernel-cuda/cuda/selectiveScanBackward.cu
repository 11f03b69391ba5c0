#include "scan.cuh"

// The last launch of the backward. For each chunk of 16 positions, it computes the states again from the state that the forward
// kept, then the gradients from the last position to the first, starting with the gradient of the state after the chunk. With
// ds = dy silu(z), x = dt u and g = dloss/dh[l]:
//   g = r[l] + ds C[l]       r[l-1] = exp(dt A) g       e = g exp(dt A) h[l-1]
//   v = sum_n g B            w = sum_n e A              s = sum_n C h[l]
//   du = D ds + dt v         ddelta = (w + u v) softplus'(delta + deltaBias)        dz = dy (s + D u) silu'(z)
//   dA = sum e dt            dB = sum_d g x             dC = sum_d ds h[l]          dD = sum ds u    dDeltaBias = sum ddelta
//
// Each block computes 32 channels of `groupChunks` chunks, one after the other. In the recurrence, four adjacent lanes compute
// one channel, four states each; exp(dt A) and exp(dt A) h[l-1] of all 16 positions stay in registers. dB and dC are sums over
// channels: within a warp by shuffles (see `halve`), over warps in shared memory, and over blocks by addPartials.

constexpr uint32_t kBackBlock = 128;
constexpr uint32_t kBackChannels = 32;
constexpr uint32_t kBackWarps = kBackBlock / kWarp;
constexpr uint32_t kBackStates = 4;
// Positions per thread in the elementwise computations.
constexpr uint32_t kBackEach = kScanKept * kBackChannels / kBackBlock;
// Rows of sums start 40 words apart, so that four positions of eight channels are in 32 different banks.
constexpr uint32_t kBackPitch = 40;

// Exchanges halves of 2 * Half numbers between the two lanes whose lane numbers differ in `bit`: each lane keeps one half, adds
// the other lane's numbers to it, and sends the half that it does not keep.
template <uint32_t Half>
__device__ inline void halve(float* values, uint32_t bit) {
  const bool upper = (threadIdx.x & bit) != 0;
#pragma unroll
  for (uint32_t i = 0; i < Half; i++) {
    const float sent = upper ? values[i] : values[i + Half];
    const float held = upper ? values[i + Half] : values[i];
    values[i] = held + __shfl_xor_sync(kAllLanes, sent, bit);
  }
}

// `kept` are the states that selectiveScan wrote, `flow` the slots of selectiveScanFlow after selectiveScanCarry. Sums per
// block: dA [B, groups, D, N], dD and dDeltaBias [B, groups, D], dB and dC [tiles, B, L, N], where a tile is 32 channels.
extern "C" __global__ void __launch_bounds__(kBackBlock)
    selectiveScanBackward(const float* __restrict__ u, const float* __restrict__ delta, const float* __restrict__ A,
                          const float* __restrict__ B, const float* __restrict__ C, const float* __restrict__ D,
                          const float* __restrict__ z, const float* __restrict__ deltaBias,
                          const int32_t* __restrict__ range, const float* __restrict__ dy,
                          const float* __restrict__ kept, const float* __restrict__ flow, float* __restrict__ du,
                          float* __restrict__ dDelta, float* __restrict__ dz, float* dA, float* __restrict__ dB,
                          float* __restrict__ dC, float* __restrict__ dD, float* __restrict__ dDeltaBias,
                          uint32_t batch, uint32_t length, uint32_t channels, uint32_t stateSize, uint32_t uStride,
                          uint32_t deltaStride, uint32_t bStride, uint32_t cStride, uint32_t zStride,
                          uint32_t dyStride, uint32_t deltaSoftplus, uint32_t groupChunks) {
  __shared__ float4 stagedB[kScanKept * kScanStates / 4];
  __shared__ float4 stagedC[kScanKept * kScanStates / 4];
  // Per position and channel: dt, x, ds, u, the derivative of softplus, dy silu'(z).
  __shared__ float sDt[kScanKept * kBackChannels];
  __shared__ float sX[kScanKept * kBackChannels];
  __shared__ float sDs[kScanKept * kBackChannels];
  __shared__ float sU[kScanKept * kBackChannels];
  __shared__ float sSlope[kScanKept * kBackChannels];
  __shared__ float sGate[kScanKept * kBackChannels];
  __shared__ float sV[kScanKept * kBackPitch];
  __shared__ float sW[kScanKept * kBackPitch];
  __shared__ float sS[kScanKept * kBackPitch];
  // dB, then dC, summed over each warp's channels.
  __shared__ float sums[kBackWarps * kScanKept * 2 * kScanStates];

  const ScanInputs in = {u,      delta,    A,         B,       C,           D,       z,       deltaBias, range,        batch,
                         length, channels, stateSize, uStride, deltaStride, bStride, cStride, zStride,   deltaSoftplus};
  const uint32_t chunks = (length + kScanKept - 1) / kScanKept;
  const uint32_t tiles = (channels + kBackChannels - 1) / kBackChannels;
  const uint32_t groups = (chunks + groupChunks - 1) / groupChunks;
  const uint32_t tile = blockIdx.x % tiles;
  const uint32_t group = blockIdx.x / tiles % groups;
  const uint32_t b = blockIdx.x / tiles / groups;
  const Range real = rangeOf(range, b, length);
  const uint32_t tid = threadIdx.x;
  const uint32_t warp = tid / kWarp;
  const uint32_t lane = tid % kWarp;

  // Elementwise: one channel per lane.
  const uint32_t column = tile * kBackChannels + lane;
  const bool mine = column < channels;
  const float bias = mine && deltaBias != nullptr ? deltaBias[column] : 0.0f;
  const float skip = mine && D != nullptr ? D[column] : 0.0f;
  float totalD = 0.0f;
  float totalBias = 0.0f;

  // Recurrence: one channel per four lanes.
  const uint32_t local = warp * (kWarp / kBackStates) + lane / kBackStates;
  const uint32_t d = tile * kBackChannels + local;
  const uint32_t firstState = (lane % kBackStates) * kBackStates;
  const bool several = stateSize > kScanStates;
  float totalA[kBackStates] = {0.0f, 0.0f, 0.0f, 0.0f};
  float* ownA = dA + (((size_t)b * groups + group) * channels + d) * stateSize;

  for (uint32_t c = group * groupChunks; c < min((group + 1) * groupChunks, chunks); c++) {
    const uint32_t from = c * kScanKept;
    const uint32_t count = min(kScanKept, length - from);
    const size_t row = (size_t)b * length + from;
    const auto isReal = [&](uint32_t t) { return from + t >= real.start && from + t < real.end; };
    const bool padding = from + count <= real.start || from >= real.end;

    // No barrier is needed: since the last barrier of the previous chunk, each thread has read only words that it writes
    // itself here.
#pragma unroll
    for (uint32_t k = 0; k < kBackEach; k++) {
      const uint32_t t = k * kBackWarps + warp;
      const uint32_t at = t * kBackChannels + lane;
      const bool wanted = mine && isReal(t);
      const float raw = wanted ? delta[(row + t) * deltaStride + column] + bias : 0.0f;
      const float x = wanted ? u[(row + t) * uStride + column] : 0.0f;
      const float dt = wanted ? stepSize(in, raw) : 0.0f;
      float ds = wanted ? dy[(row + t) * dyStride + column] : 0.0f;
      float gate = ds;
      if (wanted && z != nullptr) {
        const float value = z[(row + t) * zStride + column];
        ds *= scanSilu(value);
        gate *= siluSlope(value);
      }
      sDt[at] = dt;
      sX[at] = dt * x;
      sDs[at] = ds;
      sU[at] = x;
      sSlope[at] = deltaSoftplus ? softplusSlope(raw) : 1.0f;
      sGate[at] = gate;
    }

    for (uint32_t first = 0; first < stateSize; first += kScanStates) {
      const uint32_t n = first + firstState;
#pragma unroll
      for (uint32_t k = tid; k < kScanKept * kScanStates; k += kBackBlock) {
        const uint32_t t = k / kScanStates;
        const uint32_t state = first + k % kScanStates;
        const bool wanted = state < stateSize && isReal(t);
        reinterpret_cast<float*>(stagedB)[k] = wanted ? B[(row + t) * bStride + state] : 0.0f;
        reinterpret_cast<float*>(stagedC)[k] = wanted ? C[(row + t) * cStride + state] : 0.0f;
      }
      __syncthreads();

      if (!padding) {
        float rate[kBackStates];
        float h[kBackStates];
        float r[kBackStates];
#pragma unroll
        for (uint32_t j = 0; j < kBackStates; j++) {
          const bool wanted = d < channels && n + j < stateSize;
          rate[j] = rateAt(in, d, n + j);
          h[j] = wanted ? kept[slotOf(in, c, b, n + j, d)] : 0.0f;
          r[j] = wanted ? flow[slotOf(in, c, b, n + j, d)] : 0.0f;
          if (several) totalA[j] = wanted && c > group * groupChunks ? ownA[n + j] : 0.0f;
        }
        float decay[kScanKept][kBackStates];
        float past[kScanKept][kBackStates];
#pragma unroll
        for (uint32_t t = 0; t < kScanKept; t++) {
          const float dt = sDt[t * kBackChannels + local];
          const float x = sX[t * kBackChannels + local];
          const float4 in4 = stagedB[(t * kScanStates + firstState) / 4];
          const float bs[kBackStates] = {in4.x, in4.y, in4.z, in4.w};
#pragma unroll
          for (uint32_t j = 0; j < kBackStates; j++) {
            decay[t][j] = exp2Fast(dt * rate[j]);
            past[t][j] = decay[t][j] * h[j];
            h[j] = past[t][j] + x * bs[j];
          }
        }
#pragma unroll
        for (uint32_t quarter = kScanKept / 4; quarter-- > 0;) {
          float v[4];
          float w[4];
          float s[4];
#pragma unroll
          for (uint32_t q = 4; q-- > 0;) {
            const uint32_t t = 4 * quarter + q;
            const float dt = sDt[t * kBackChannels + local];
            const float x = sX[t * kBackChannels + local];
            const float ds = sDs[t * kBackChannels + local];
            const float4 in4 = stagedB[(t * kScanStates + firstState) / 4];
            const float4 out4 = stagedC[(t * kScanStates + firstState) / 4];
            const float bs[kBackStates] = {in4.x, in4.y, in4.z, in4.w};
            const float cs[kBackStates] = {out4.x, out4.y, out4.z, out4.w};
            float products[2 * kBackStates];
            v[q] = 0.0f;
            w[q] = 0.0f;
            s[q] = 0.0f;
#pragma unroll
            for (uint32_t j = 0; j < kBackStates; j++) {
              const float g = r[j] + ds * cs[j];
              const float now = past[t][j] + x * bs[j];
              const float e = g * past[t][j];
              v[q] += g * bs[j];
              w[q] += e * rate[j];
              s[q] += cs[j] * now;
              totalA[j] += e * dt;
              r[j] = g * decay[t][j];
              products[j] = g * x;
              products[kBackStates + j] = ds * now;
            }
            halve<4>(products, 16);
            halve<2>(products, 8);
            halve<1>(products, 4);
            const uint32_t which = lane / kBackStates;
            const uint32_t place = which / kBackStates * kScanStates + firstState + which % kBackStates;
            sums[(warp * kScanKept + t) * 2 * kScanStates + place] = products[0];
          }
          halve<2>(v, 2);
          halve<1>(v, 1);
          halve<2>(w, 2);
          halve<1>(w, 1);
          halve<2>(s, 2);
          halve<1>(s, 1);
          const uint32_t at = (4 * quarter + lane % 4) * kBackPitch + local;
          sV[at] = first > 0 ? sV[at] + v[0] : v[0];
          sW[at] = first > 0 ? sW[at] + w[0] : w[0];
          sS[at] = first > 0 ? sS[at] + s[0] : s[0];
        }
      }
      if (several && d < channels) {
#pragma unroll
        for (uint32_t j = 0; j < kBackStates; j++) {
          if (n + j >= stateSize) continue;
          if (!padding) ownA[n + j] = totalA[j];
          else if (c == group * groupChunks) ownA[n + j] = 0.0f;
        }
      }
      __syncthreads();
#pragma unroll
      for (uint32_t k = tid; k < kScanKept * 2 * kScanStates; k += kBackBlock) {
        const uint32_t t = k / (2 * kScanStates);
        const uint32_t state = first + k % kScanStates;
        if (t >= count || state >= stateSize) continue;
        float sum = 0.0f;
        if (isReal(t)) {
#pragma unroll
          for (uint32_t i = 0; i < kBackWarps; i++) sum += sums[i * kScanKept * 2 * kScanStates + k];
        }
        float* to = k % (2 * kScanStates) < kScanStates ? dB : dC;
        to[(((size_t)tile * batch + b) * length + from + t) * stateSize + state] = sum;
      }
    }

#pragma unroll
    for (uint32_t k = 0; k < kBackEach; k++) {
      const uint32_t t = k * kBackWarps + warp;
      if (!mine || t >= count) continue;
      const size_t to = (row + t) * channels + column;
      float ofU = 0.0f;
      float ofDelta = 0.0f;
      float ofZ = 0.0f;
      if (isReal(t)) {
        const uint32_t at = t * kBackChannels + lane;
        const float v = sV[t * kBackPitch + lane];
        // The rates are A log2(e).
        const float w = sW[t * kBackPitch + lane] * 0.693147180559945309f;
        const float x = sU[at];
        const float ds = sDs[at];
        ofU = skip * ds + sDt[at] * v;
        ofDelta = (w + x * v) * sSlope[at];
        ofZ = sGate[at] * (sS[t * kBackPitch + lane] + skip * x);
        totalD += ds * x;
        totalBias += ofDelta;
      }
      du[to] = ofU;
      dDelta[to] = ofDelta;
      if (dz != nullptr) dz[to] = ofZ;
    }
  }

  if (!several && d < channels) {
#pragma unroll
    for (uint32_t j = 0; j < kBackStates; j++) {
      if (firstState + j < stateSize) ownA[firstState + j] = totalA[j];
    }
  }
  __syncthreads();
  sV[tid] = totalD;
  sW[tid] = totalBias;
  __syncthreads();
  if (warp == 0 && mine) {
    float sumD = 0.0f;
    float sumBias = 0.0f;
#pragma unroll
    for (uint32_t i = 0; i < kBackWarps; i++) {
      sumD += sV[i * kWarp + lane];
      sumBias += sW[i * kWarp + lane];
    }
    const size_t to = ((size_t)b * groups + group) * channels + column;
    if (dD != nullptr) dD[to] = sumD;
    if (dDeltaBias != nullptr) dDeltaBias[to] = sumBias;
  }
}
