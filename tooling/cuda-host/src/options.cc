#include "options.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "driver.h"
#include "kernel.h"

namespace cuda_host {

Options options;
Counters counters;

namespace {

const char* const scheduleNames[] = {"in-order", "reverse", "warp-depth-first", "random-stalls"};

struct Named {
  const char* name;
  std::atomic<uint64_t>* value;
};

const Named settable[] = {
    {"schedule", &options.schedule},     {"seed", &options.seed},
    {"devices", &options.devices},       {"driver", &options.driver},
    {"capability", &options.capability}, {"memory", &options.memory},
    {"failLaunch", &options.failLaunch}, {"slowLaunch", &options.slowLaunch},
};

const Named countersByName[] = {
    {"launches", &counters.launches},
    {"graphLaunches", &counters.graphLaunches},
    {"graphInstantiations", &counters.graphInstantiations},
    {"graphUpdates", &counters.graphUpdates},
    {"allocations", &counters.allocations},
    {"liveAllocations", &counters.liveAllocations},
    {"liveBytes", &counters.liveBytes},
    {"pinnedBytes", &counters.pinnedBytes},
    {"matmuls", &counters.matmuls},
};

bool set(const std::string& name, const std::string& value) {
  uint64_t number = 0;
  if (name == "schedule") {
    while (number < 4 && value != scheduleNames[number]) number++;
    if (number == 4) return false;
  } else {
    char* end;
    number = strtoull(value.c_str(), &end, 10);
    if (value.empty() || *end != '\0') return false;
  }
  for (const Named& one : settable) {
    if (name != one.name) continue;
    *one.value = number;
    return true;
  }
  return false;
}

/** Reads the options at load time. An unknown option ends the process, so that no test runs without it. */
const bool fromEnvironment = [] {
  const char* text = getenv("MAMBA_CUDA_HOST");
  if (text == nullptr) return true;
  const std::string all = text;
  for (size_t start = 0; start < all.size();) {
    size_t end = all.find(',', start);
    if (end == std::string::npos) end = all.size();
    const std::string item = all.substr(start, end - start);
    const size_t equals = item.find('=');
    if (equals == std::string::npos || !set(item.substr(0, equals), item.substr(equals + 1)))
      fail("MAMBA_CUDA_HOST: \"%s\" is not an option with its value", item.c_str());
    start = end + 1;
  }
  if (options.schedule == RandomStalls)
    fprintf(stderr, "cuda-host: random stalls; MAMBA_CUDA_HOST=schedule=random-stalls,seed=%llu repeats them\n",
            static_cast<unsigned long long>(options.seed.load()));
  return true;
}();

}  // namespace

}  // namespace cuda_host

using namespace cuda_host;

/** Sets an option; false when there is no such option or value. */
CU_EXPORT bool mambaCudaHostSet(const char* name, const char* value) { return set(name, value); }

/** Returns an option or a counter as a number; -1 for an unknown name. */
CU_EXPORT int64_t mambaCudaHostGet(const char* name) {
  for (const Named& one : settable)
    if (strcmp(name, one.name) == 0) return static_cast<int64_t>(one.value->load());
  for (const Named& one : countersByName)
    if (strcmp(name, one.name) == 0) return static_cast<int64_t>(one.value->load());
  return -1;
}
