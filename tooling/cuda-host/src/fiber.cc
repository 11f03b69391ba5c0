#include "fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include "kernel.h"

#ifndef __x86_64__
#include <ucontext.h>
#endif

#ifdef __SANITIZE_ADDRESS__
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace cuda_host {

namespace {

// The largest stack frames of the GPU kernels have arrays of a few kilobytes; AddressSanitizer enlarges them.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t stackBytes = 512 << 10;
#else
constexpr size_t stackBytes = 128 << 10;
#endif

}  // namespace

#ifdef __x86_64__

// Saves the callee-saved registers on the old stack and restores them from the new one. Signal masks and floating-point modes
// are the same in all fibers.
extern "C" void cudaHostSwitch(void** from, void* to);
asm(R"(
.text
.p2align 4
.hidden cudaHostSwitch
.globl cudaHostSwitch
.type cudaHostSwitch, @function
cudaHostSwitch:
  endbr64
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cudaHostSwitch, .-cudaHostSwitch
)");

static void prepare(Fiber& fiber, void (*entry)()) {
  // The return into `entry` leaves the stack aligned as after a call: 8 below a multiple of 16.
  void** top = reinterpret_cast<void**>(fiber.stack + fiber.stackBytes) - 1;
  *--top = reinterpret_cast<void*>(entry);
  for (int saved = 0; saved < 6; saved++) *--top = nullptr;
  fiber.context = top;
}

static void swap(Fiber& from, Fiber& to) { cudaHostSwitch(&from.context, to.context); }

#else

static ucontext_t* contextOf(Fiber& fiber) {
  if (fiber.context == nullptr) fiber.context = new ucontext_t;
  return static_cast<ucontext_t*>(fiber.context);
}

static void prepare(Fiber& fiber, void (*entry)()) {
  ucontext_t* context = contextOf(fiber);
  getcontext(context);
  context->uc_stack.ss_sp = fiber.stack;
  context->uc_stack.ss_size = fiber.stackBytes;
  context->uc_link = nullptr;
  makecontext(context, entry, 0);
}

static void swap(Fiber& from, Fiber& to) { swapcontext(contextOf(from), contextOf(to)); }

#endif

Fiber* newFiber(void (*entry)()) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, page + stackBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("no address space for the stack of another device thread");
  auto* fiber = new Fiber;
  fiber->stack = static_cast<char*>(memory) + page;
  fiber->stackBytes = stackBytes;
  if (mprotect(fiber->stack, stackBytes, PROT_READ | PROT_WRITE) != 0) fail("no memory for another device thread");
  prepare(*fiber, entry);
  return fiber;
}

void adoptThread([[maybe_unused]] Fiber& fiber) {
#ifdef __SANITIZE_ADDRESS__
  pthread_attr_t attributes;
  void* stack = nullptr;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &stack, &fiber.stackBytes);
  pthread_attr_destroy(&attributes);
  fiber.stack = static_cast<char*>(stack);
#endif
}

void switchFiber(Fiber& from, Fiber& to) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&from.fakeStack, to.stack, to.stackBytes);
  swap(from, to);
  __sanitizer_finish_switch_fiber(from.fakeStack, nullptr, nullptr);
#else
  swap(from, to);
#endif
}

void fiberStarted() {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
}

}  // namespace cuda_host
