// Node-API module with which tests set the options and read the counters of a stand-in: call `open(path)` first, then
// `set(name, value)` and `get(name)`.
#include <dlfcn.h>
#include <node_api.h>

#include <cstdint>
#include <string>

namespace {

bool (*setOption)(const char* name, const char* value);
int64_t (*getNumber)(const char* name);

napi_value fail(napi_env env, const std::string& message) {
  napi_throw_error(env, nullptr, message.c_str());
  return nullptr;
}

std::string text(napi_env env, napi_value value) {
  char buffer[4096];
  size_t length = 0;
  return napi_get_value_string_utf8(env, value, buffer, sizeof buffer, &length) == napi_ok ? std::string(buffer, length) : "";
}

napi_value set(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value args[2];
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  const std::string name = text(env, args[0]), value = text(env, args[1]);
  if (!setOption(name.c_str(), value.c_str())) return fail(env, "the stand-in has no option " + name + "=" + value);
  return nullptr;
}

napi_value get(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value name, result;
  napi_get_cb_info(env, info, &count, &name, nullptr, nullptr);
  const int64_t number = getNumber(text(env, name).c_str());
  if (number < 0) return fail(env, "the stand-in has no number " + text(env, name));
  napi_create_int64(env, number, &result);
  return result;
}

napi_value open(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value path;
  napi_get_cb_info(env, info, &count, &path, nullptr, nullptr);
  void* library = dlopen(text(env, path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(env, dlerror());
  setOption = reinterpret_cast<decltype(setOption)>(dlsym(library, "mambaCudaHostSet"));
  getNumber = reinterpret_cast<decltype(getNumber)>(dlsym(library, "mambaCudaHostGet"));
  if (setOption == nullptr || getNumber == nullptr) return fail(env, "this library is no stand-in");
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {{"open", open}, {"set", set}, {"get", get}};
  for (const auto& [name, callback] : functions) {
    napi_value value;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &value);
    napi_set_named_property(env, exports, name, value);
  }
  return exports;
}
