// Reports faults of GPU kernels and of callers of the driver, then ends the process. A device might not detect them.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "execute.h"
#include "memory.h"
#include "options.h"
#include "report.h"

namespace cuda_host {

thread_local const char* operation = "";

namespace {

struct sigaction previous[NSIG];

void print(const char* text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
}

void printWhere() {
  char text[512];
  if (const KernelEntry* kernel = executing()) {
    snprintf(text, sizeof text,
             "  in kernel %s, block (%u, %u, %u) of (%u, %u, %u), thread %u of %u; schedule: %s\n", kernel->name,
             block.blockIdx.x, block.blockIdx.y, block.blockIdx.z, block.gridDim.x, block.gridDim.y, block.gridDim.z,
             block.threadIdx.x, block.blockDim.x, scheduleName());
    print(text);
  } else if (*operation != '\0') {
    snprintf(text, sizeof text, "  in %s\n", operation);
    print(text);
  }
}

/** Calls the previous handler of the signal: V8 uses it to turn faults of WebAssembly into traps. */
void passOn(int number, siginfo_t* info, void* context) {
  const struct sigaction& before = previous[number];
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(number, info, context);
  } else if (before.sa_handler != SIG_IGN && before.sa_handler != SIG_DFL) {
    before.sa_handler(number);
  } else {
    signal(number, SIG_DFL);
  }
}

void onFault(int number, siginfo_t* info, void* context) {
  if (executing() == nullptr && *operation == '\0') return passOn(number, info, context);
  char text[512];
  snprintf(text, sizeof text, "\ncuda-host: FAULT: %s at %p\n", number == SIGFPE ? "arithmetic fault" : "access to memory", info->si_addr);
  print(text);
  printWhere();
  describeAddress(reinterpret_cast<uint64_t>(info->si_addr), text, sizeof text);
  print(text);
  signal(SIGABRT, SIG_DFL);
  abort();
}

}  // namespace

void fail(const char* format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  print("\ncuda-host: FAULT: ");
  print(text);
  print("\n");
  printWhere();
  signal(SIGABRT, SIG_DFL);
  abort();
}

void catchFaults() {
  static const bool once = [] {
    struct sigaction action = {};
    action.sa_sigaction = onFault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE};
    for (const int number : numbers) sigaction(number, &action, &previous[number]);
    return true;
  }();
  (void)once;
}

void giveSignalStack() {
  constexpr size_t bytes = 256 << 10;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("no memory for a signal stack");
  stack_t stack = {};
  stack.ss_sp = memory;
  stack.ss_size = bytes;
  sigaltstack(&stack, nullptr);
}

}  // namespace cuda_host
