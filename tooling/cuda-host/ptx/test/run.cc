// Runs GPU kernels of a stand-in. Each line of the input is `<kernel> <threads> <results> <input>…`, the input in words of 64
// bits in hexadecimal. The kernel gets the address of the input and that of as many words for results, which are printed.
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

void* library;

template <typename... Args>
void call(const char* name, Args... args) {
  void* const symbol = dlsym(library, name);
  if (symbol == nullptr) {
    std::fprintf(stderr, "no %s\n", name);
    std::exit(1);
  }
  const int result = reinterpret_cast<int (*)(Args...)>(symbol)(args...);
  if (result == 0) return;
  std::fprintf(stderr, "%s: error %d\n", name, result);
  std::exit(1);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2 || (library = dlopen(arguments[1], RTLD_NOW)) == nullptr) {
    std::fprintf(stderr, "%s\n", count == 2 ? dlerror() : "usage: run <library>");
    return 1;
  }
  void* context;
  void* stream;
  void* module;
  const uint32_t image[4] = {0xba55ed50};
  call("cuInit", 0u);
  call("cuDevicePrimaryCtxRetain", &context, 0);
  call("cuCtxSetCurrent", context);
  call("cuStreamCreate", &stream, 1u);
  call("cuModuleLoadData", &module, static_cast<const void*>(image));
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string name;
    unsigned threads = 0;
    size_t results = 0;
    words >> name >> threads >> results;
    std::vector<uint64_t> input;
    for (uint64_t word; words >> std::hex >> word;) input.push_back(word);
    std::vector<uint64_t> output(results);
    struct {
      unsigned long long in, out;
    } args;
    call("cuMemAllocAsync", &args.in, input.size() * 8, stream);
    call("cuMemAllocAsync", &args.out, results * 8, stream);
    call("cuMemcpyHtoDAsync_v2", args.in, static_cast<const void*>(input.data()), input.size() * 8, stream);
    size_t bytes = sizeof args;
    void* extra[] = {reinterpret_cast<void*>(1), &args, reinterpret_cast<void*>(2), &bytes, nullptr};
    void* function;
    call("cuModuleGetFunction", &function, module, name.c_str());
    call("cuLaunchKernel", function, 1u, 1u, 1u, threads, 1u, 1u, 0u, stream, static_cast<void**>(nullptr),
         static_cast<void**>(extra));
    call("cuMemcpyDtoHAsync_v2", static_cast<void*>(output.data()), args.out, results * 8, stream);
    call("cuStreamSynchronize", stream);
    call("cuMemFreeAsync", args.in, stream);
    call("cuMemFreeAsync", args.out, stream);
    for (const uint64_t word : output) std::printf("%llx ", static_cast<unsigned long long>(word));
    std::printf("\n");
    std::fflush(stdout);
  }
}
