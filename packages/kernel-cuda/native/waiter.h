#pragma once
// Waits for reads on its own thread and completes them on the JavaScript thread, so that the event loop never blocks.

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "staging.h"

namespace mamba {

// A pending read.
struct Read {
  explicit Read(Napi::Env env) : done(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise::Deferred done;
  std::vector<size_t> sizes;
  Pinned block;
  CUevent event = nullptr;
  CUresult result = kSuccess;
};

class Waiter {
 public:
  // `complete` is called on the JavaScript thread for each read, in order.
  Waiter(Napi::Env env, CUcontext context, std::function<void(Napi::Env, std::unique_ptr<Read>)> complete);
  // Finishes the wait in progress; later reads are dropped.
  ~Waiter();

  void add(std::unique_ptr<Read> read);

 private:
  void loop();
  void finish(Napi::Env env, std::unique_ptr<Read> read);

  CUcontext context_;
  std::function<void(Napi::Env, std::unique_ptr<Read>)> complete_;
  Napi::Env env_;
  Napi::ThreadSafeFunction toJs_;
  size_t pending_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Read>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mamba
