#include "stream.h"

#include <chrono>
#include <thread>

#include "report.h"

namespace cuda_host {

Stream::Stream() {
  // Detached, because a process may exit while a stream still works; nothing would join the thread then.
  std::thread([this] { run(); }).detach();
}

void Stream::enqueue(std::function<void()> work) {
  const std::lock_guard<std::mutex> lock(mutex);
  queue.push_back(std::move(work));
  changed.notify_all();
}

void Stream::synchronize() {
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [this] { return queue.empty() && !busy; });
}

bool Stream::idle() {
  const std::lock_guard<std::mutex> lock(mutex);
  return queue.empty() && !busy;
}

void Stream::close(Stream* stream) {
  const std::lock_guard<std::mutex> lock(stream->mutex);
  stream->closing = true;
  stream->changed.notify_all();
}

void Stream::run() {
  giveSignalStack();
  std::unique_lock<std::mutex> lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return !queue.empty() || closing; });
    if (queue.empty()) break;
    const std::function<void()> work = std::move(queue.front());
    queue.pop_front();
    busy = true;
    lock.unlock();
    work();
    lock.lock();
    busy = false;
    changed.notify_all();
  }
  lock.unlock();
  delete this;
}

void Event::record(const std::shared_ptr<Event>& event, Stream& stream) {
  uint64_t number;
  {
    const std::lock_guard<std::mutex> lock(event->mutex);
    number = ++event->recordings;
  }
  stream.enqueue([event, number] {
    const std::lock_guard<std::mutex> lock(event->mutex);
    event->completions = number;
    event->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    event->changed.notify_all();
  });
}

void Event::synchronize() {
  std::unique_lock<std::mutex> lock(mutex);
  const uint64_t wanted = recordings;
  changed.wait(lock, [this, wanted] { return completions >= wanted; });
}

bool Event::ready() {
  const std::lock_guard<std::mutex> lock(mutex);
  return completions == recordings;
}

}  // namespace cuda_host
