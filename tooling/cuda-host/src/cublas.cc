// The cuBLAS functions that the addon calls, in the same library: MAMBA_CUDA_BLAS may name it too.
#include <cmath>

#include "driver.h"
#include "handles.h"
#include "memory.h"
#include "options.h"
#include "stream.h"

namespace cuda_host {

namespace {

enum Status { CUBLAS_STATUS_SUCCESS = 0, CUBLAS_STATUS_INVALID_VALUE = 7, CUBLAS_STATUS_EXECUTION_FAILED = 13 };

struct Library {
  CUstream stream = nullptr;
};

Handles<Library>& libraries = *new Handles<Library>("cuBLAS handle");

struct Matrix {
  const float* data;
  int ld;
  bool transposed;
  // Column-major.
  float at(int row, int column) const {
    const size_t major = static_cast<size_t>(transposed ? row : column);
    return data[major * static_cast<size_t>(ld) + static_cast<size_t>(transposed ? column : row)];
  }
};

/** Bytes from the first element of the first column to the last element of the last column. */
size_t bytesOf(int rows, int columns, int ld) {
  return (static_cast<size_t>(columns - 1) * static_cast<size_t>(ld) + static_cast<size_t>(rows)) * sizeof(float);
}

void multiply(int m, int n, int k, float alpha, const Matrix& a, const Matrix& b, float beta, float* c, int ldc) {
  for (int column = 0; column < n; column++) {
    for (int row = 0; row < m; row++) {
      float sum = 0;
      for (int inner = 0; inner < k; inner++) sum = fmaf(a.at(row, inner), b.at(inner, column), sum);
      float& out = c[static_cast<size_t>(column) * static_cast<size_t>(ldc) + static_cast<size_t>(row)];
      // When beta is 0, the content of C is ignored, even NaN.
      out = beta == 0 ? alpha * sum : alpha * sum + beta * out;
    }
  }
}

}  // namespace

}  // namespace cuda_host

using namespace cuda_host;

CU_EXPORT int cublasCreate_v2(void** handle) {
  if (checkContext() != CUDA_SUCCESS) return CUBLAS_STATUS_EXECUTION_FAILED;
  *handle = libraries.add(std::make_shared<Library>());
  return CUBLAS_STATUS_SUCCESS;
}

CU_EXPORT int cublasDestroy_v2(void* handle) {
  libraries.remove(handle, "cublasDestroy");
  return CUBLAS_STATUS_SUCCESS;
}

CU_EXPORT int cublasSetStream_v2(void* handle, CUstream stream) {
  libraries.get(handle, "cublasSetStream")->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

CU_EXPORT int cublasSgemm_v2(void* handle, int transA, int transB, int m, int n, int k, const float* alpha, const float* a, int lda,
                             const float* b, int ldb, const float* beta, float* c, int ldc) {
  const auto library = libraries.get(handle, "cublasSgemm");
  if (checkContext() != CUDA_SUCCESS) return CUBLAS_STATUS_EXECUTION_FAILED;
  const int rowsA = transA ? k : m, rowsB = transB ? n : k;
  if (m <= 0 || n <= 0 || k <= 0 || lda < rowsA || ldb < rowsB || ldc < m || transA < 0 || transA > 1 || transB < 0 || transB > 1) {
    refuse(CUDA_ERROR_INVALID_VALUE, "cublasSgemm: m %d, n %d, k %d, lda %d, ldb %d, ldc %d", m, n, k, lda, ldb, ldc);
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  submit(streamOf(library->stream, "cublasSgemm"), "cublasSgemm", [=, alpha = *alpha, beta = *beta] {
    checkDeviceRange(reinterpret_cast<uint64_t>(a), bytesOf(rowsA, transA ? m : k, lda), "cublasSgemm, A");
    checkDeviceRange(reinterpret_cast<uint64_t>(b), bytesOf(rowsB, transB ? k : n, ldb), "cublasSgemm, B");
    checkDeviceRange(reinterpret_cast<uint64_t>(c), bytesOf(m, n, ldc), "cublasSgemm, C");
    multiply(m, n, k, alpha, {a, lda, transA == 1}, {b, ldb, transB == 1}, beta, c, ldc);
    counters.matmuls++;
  });
  return CUBLAS_STATUS_SUCCESS;
}
