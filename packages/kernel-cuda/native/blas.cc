#include "blas.h"

#include <cstdlib>
#include <vector>

namespace mamba {

namespace {

constexpr int kTransposed = 1;

struct Library {
  std::string name;
  int (*create)(void** handle);
  int (*destroy)(void* handle);
  int (*setStream)(void* handle, CUstream stream);
  int (*sgemm)(void* handle, int transA, int transB, int m, int n, int k, const float* alpha, const float* a, int lda,
               const float* b, int ldb, const float* beta, float* c, int ldc);
};

template <typename F>
bool find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(findSymbol(library, name));
  return function != nullptr;
}

Library load() {
  const char* given = std::getenv("MAMBA_CUDA_BLAS");
#ifdef _WIN32
  std::vector<std::string> names = {"cublas64_13.dll", "cublas64_12.dll"};
#else
  std::vector<std::string> names = {"libcublas.so.13", "libcublas.so.12"};
#endif
  if (given != nullptr && *given != '\0') names = {given};
  for (const std::string& name : names) {
    std::string error;
    void* library = openLibrary(name.c_str(), error);
    Library found;
    if (library != nullptr && find(library, "cublasCreate_v2", found.create) &&
        find(library, "cublasDestroy_v2", found.destroy) && find(library, "cublasSetStream_v2", found.setStream) &&
        find(library, "cublasSgemm_v2", found.sgemm)) {
      found.name = name;
      return found;
    }
  }
  return {};
}

const Library& library() {
  static const Library loaded = load();
  return loaded;
}

void checkBlas(int status, const char* call) {
  if (status == 0) return;
  const CUresult code = status == 3 ? kOutOfMemory : 999;  // CUBLAS_STATUS_ALLOC_FAILED, else unknown
  throw CudaError(code, std::string(call) + ": cuBLAS status " + std::to_string(status));
}

}  // namespace

std::string Blas::find() { return library().name; }

Blas::Blas(CUstream stream) {
  checkBlas(library().create(&handle_), "cublasCreate");
  checkBlas(library().setStream(handle_, stream), "cublasSetStream");
}

Blas::~Blas() {
  if (handle_ != nullptr) library().destroy(handle_);
}

// The default mode of cuBLAS multiplies f32 in f32.
void Blas::sgemm(const Sgemm& p) {
  const float one = 1, zero = 0;
  const auto at = [](CUdeviceptr address) { return reinterpret_cast<float*>(static_cast<uintptr_t>(address)); };
  checkBlas(library().sgemm(handle_, p.transA ? kTransposed : 0, p.transB ? kTransposed : 0, p.m, p.n, p.k, &one,
                            at(p.a), p.lda, at(p.b), p.ldb, &zero, at(p.c), p.ldc),
            "cublasSgemm");
}

}  // namespace mamba
