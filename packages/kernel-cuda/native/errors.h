#pragma once
// Translates errors of the driver to JavaScript errors with a `code`.

#include <napi.h>

#include <utility>

#include "driver.h"

namespace mamba {

inline Napi::Error jsError(Napi::Env env, const std::string& code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

// Runs `body` and translates its exceptions to JavaScript errors.
template <typename Body>
auto translated(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const CudaError& error) {
    throw jsError(env, errorName(error.code), error.what());
  } catch (const NoDriver& error) {
    throw jsError(env, "NO_DRIVER", error.what());
  }
}

}  // namespace mamba
