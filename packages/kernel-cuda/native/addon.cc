#include <napi.h>

#include "blas.h"
#include "errors.h"
#include "image.h"
#include "session.h"

namespace mamba {

namespace {

Napi::Object describe(Napi::Env env, int ordinal) {
  const Driver& cuda = driver();
  CUdevice device = 0;
  char name[256] = "";
  int major = 0, minor = 0;
  size_t bytes = 0;
  check(cuda.deviceGet(&device, ordinal), "cuDeviceGet");
  check(cuda.deviceGetName(name, sizeof name, device), "cuDeviceGetName");
  check(cuda.deviceGetAttribute(&major, kAttributeComputeMajor, device), "cuDeviceGetAttribute");
  check(cuda.deviceGetAttribute(&minor, kAttributeComputeMinor, device), "cuDeviceGetAttribute");
  check(cuda.deviceTotalMem(&bytes, device), "cuDeviceTotalMem");
  Napi::Object found = Napi::Object::New(env);
  found.Set("name", std::string(name));
  found.Set("capability", major * 10 + minor);
  found.Set("bytes", static_cast<double>(bytes));
  return found;
}

// Returns the CUDA version of the driver, the devices, and the name of the cuBLAS library. Throws the same errors as a
// session.
Napi::Value probe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return translated(env, [&]() -> Napi::Value {
    const Driver& cuda = driver();
    Napi::Object found = Napi::Object::New(env);
    int version = 0, count = 0;
    check(cuda.driverGetVersion(&version), "cuDriverGetVersion");
    found.Set("version", version);
    check(cuda.init(0), "cuInit");
    check(cuda.deviceGetCount(&count), "cuDeviceGetCount");
    Napi::Array devices = Napi::Array::New(env, count);
    for (int i = 0; i < count; i++) devices.Set(i, describe(env, i));
    found.Set("devices", devices);
    found.Set("blas", Blas::find());
    return found;
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("digest", std::string(kernelDigest()));
  exports.Set("probe", Napi::Function::New(env, probe, "probe"));
  exports.Set("Session", Session::define(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(mamba_cuda, init)

}  // namespace mamba
