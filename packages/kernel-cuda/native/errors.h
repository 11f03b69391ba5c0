#pragma once
// What the driver reports, as errors of JavaScript with a `code`.

#include <napi.h>

#include <utility>

#include "driver.h"

namespace mamba {

inline Napi::Error jsError(Napi::Env env, const std::string& code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

// Runs `body`; what goes wrong becomes an error of JavaScript.
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
