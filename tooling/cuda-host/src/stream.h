// Streams and events. A stream is a queue with its own CPU thread, so that work runs after the call that enqueues it, as on a
// device.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "graph.h"

namespace cuda_host {

class Stream {
 public:
  Stream();

  void enqueue(std::function<void()> work);
  void synchronize();
  bool idle();

  /** Ends the thread after all queued work; the thread deletes the stream. */
  static void close(Stream* stream);

  /** The graph that receives work during a capture. As on a device, only one CPU thread may use a stream that captures. */
  std::unique_ptr<Graph> capture;
  const GraphNode* lastCaptured = nullptr;
  void addCaptured(GraphNode node);

 private:
  void run();

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  bool busy = false;
  bool closing = false;
};

class Event {
 public:
  /** Marks the work that is queued on the stream; the event is ready when that work is done. */
  static void record(const std::shared_ptr<Event>& event, Stream& stream);
  void synchronize();
  bool ready();
  /** Milliseconds from this event to a later one; both must be ready. */
  float until(const Event& later) const { return static_cast<float>(later.seconds - seconds) * 1000; }
  bool recorded() const { return recordings > 0; }

 private:
  std::mutex mutex;
  std::condition_variable changed;
  uint64_t recordings = 0;
  uint64_t completions = 0;
  double seconds = 0;
};

}  // namespace cuda_host
