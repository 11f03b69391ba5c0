#pragma once
// cuBLAS, loaded at run time when it is installed.

#include <cstdint>
#include <string>

#include "driver.h"

namespace mamba {

// C = op(A) · op(B) in column-major f32: C is m x n, the inner extent is k.
struct Sgemm {
  bool transA, transB;
  uint32_t m, n, k;
  CUdeviceptr a, b, c;
  uint32_t lda, ldb, ldc;
};

class Blas {
 public:
  // Throws CudaError when the library cannot start on this device.
  explicit Blas(CUstream stream);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  void sgemm(const Sgemm& product);

  // Returns the name of the library, or an empty string when there is none. MAMBA_CUDA_BLAS overrides the default names.
  static std::string find();

 private:
  void* handle_ = nullptr;
};

}  // namespace mamba
