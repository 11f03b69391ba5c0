// Streams and events: a stream is a queue with a CPU thread of its own, so that work happens later than the call that asks
// for it, as on a device.
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

  /** Ends the thread after the work that is queued; the stream is deleted by it. */
  static void close(Stream* stream);

  /** While capturing, where work goes instead. Like on a device, only one CPU thread may use a stream that captures. */
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
  /** Marks what is queued on the stream now; the event is ready when that is done. */
  static void record(const std::shared_ptr<Event>& event, Stream& stream);
  void synchronize();
  bool ready();
  /** Milliseconds from this event to a later one; both are ready. */
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
