#include "waiter.h"

namespace mamba {

Waiter::Waiter(Napi::Env env, CUcontext context,
               std::function<void(Napi::Env, std::unique_ptr<Read>)> complete)
    : context_(context), complete_(std::move(complete)), env_(env) {
  toJs_ = Napi::ThreadSafeFunction::New(env, Napi::Function(), "mamba-cuda", 0, 1);
  // Only a pending read keeps the process alive.
  toJs_.Unref(env);
  thread_ = std::thread([this] { loop(); });
}

Waiter::~Waiter() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
  toJs_.Release();
}

void Waiter::add(std::unique_ptr<Read> read) {
  if (pending_++ == 0) toJs_.Ref(env_);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(read));
  }
  changed_.notify_one();
}

void Waiter::loop() {
  driver().ctxSetCurrent(context_);
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    Read* read = queue_.front().release();
    queue_.pop_front();
    lock.unlock();
    read->result = driver().eventSynchronize(read->event);
    const napi_status status = toJs_.BlockingCall(read, [this](Napi::Env env, Napi::Function, Read* done) {
      std::unique_ptr<Read> owned(done);
      // A null environment means that the queue is being discarded; this waiter no longer exists.
      if (static_cast<napi_env>(env) == nullptr) return;
      try {
        finish(env, std::move(owned));
      } catch (const Napi::Error&) {
        // A thread that is being terminated runs no JavaScript, so the read cannot be settled.
      }
    });
    // The environment is being torn down, so the read cannot be settled.
    if (status != napi_ok) delete read;
    lock.lock();
  }
}

void Waiter::finish(Napi::Env env, std::unique_ptr<Read> read) {
  if (--pending_ == 0) toJs_.Unref(env_);
  complete_(env, std::move(read));
}

}  // namespace mamba
