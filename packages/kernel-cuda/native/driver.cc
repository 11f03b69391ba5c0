#include "driver.h"

#include <cstdlib>
#include <mutex>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace mamba {

#ifdef _WIN32
constexpr const char* kSystemDriver = "nvcuda.dll";

void* openLibrary(const char* name, std::string& error) {
  void* library = reinterpret_cast<void*>(LoadLibraryA(name));
  if (library == nullptr) error = std::string(name) + ": error " + std::to_string(GetLastError());
  return library;
}

void* findSymbol(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(reinterpret_cast<HMODULE>(library), name));
}
#else
constexpr const char* kSystemDriver = "libcuda.so.1";

void* openLibrary(const char* name, std::string& error) {
  void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) error = dlerror();
  return library;
}

void* findSymbol(void* library, const char* name) { return dlsym(library, name); }
#endif

namespace {

Driver load() {
  const char* given = std::getenv("MAMBA_CUDA_DRIVER");
  const char* name = given != nullptr && *given != '\0' ? given : kSystemDriver;
  std::string error;
  void* library = openLibrary(name, error);
  if (library == nullptr) throw NoDriver("there is no NVIDIA driver: " + error);
  Driver loaded;
#define MAMBA_LOAD(symbol, member, params)                                     \
  loaded.member = reinterpret_cast<CUresult(*) params>(findSymbol(library, #symbol)); \
  if (loaded.member == nullptr) throw NoDriver(std::string("the NVIDIA driver is too old: ") + name + " has no " #symbol);
  MAMBA_DRIVER_FUNCTIONS(MAMBA_LOAD)
#undef MAMBA_LOAD
  return loaded;
}

}  // namespace

const Driver& driver() {
  // When loading throws, the next call tries again.
  static const Driver loaded = load();
  return loaded;
}

std::string errorName(CUresult code) {
  const char* name = nullptr;
  if (driver().getErrorName(code, &name) != kSuccess || name == nullptr) return "error " + std::to_string(code);
  return name;
}

void check(CUresult result, const char* call) {
  if (result == kSuccess) return;
  const char* text = nullptr;
  std::string message = std::string(call) + ": " + errorName(result);
  if (driver().getErrorString(result, &text) == kSuccess && text != nullptr) message += std::string(" (") + text + ")";
  throw CudaError(result, message);
}

}  // namespace mamba
