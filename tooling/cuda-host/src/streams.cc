// Calls that put work on a stream: streams, events and copies.
#include <cstring>

#include "driver.h"
#include "handles.h"
#include "memory.h"
#include "options.h"
#include "report.h"
#include "stream.h"

namespace cuda_host {

namespace {

struct OwnedStream {
  Stream* stream = new Stream;
  ~OwnedStream() { Stream::close(stream); }
};

// Never destroyed: threads of streams may outlive main.
Handles<OwnedStream>& streams = *new Handles<OwnedStream>("stream");
Handles<Event>& events = *new Handles<Event>("event");

}  // namespace

void closeAllStreams() {
  for (const auto& [handle, owned] : streams.takeAll()) owned->stream->synchronize();
}

Stream& streamOf(CUstream handle, const char* what) { return *streams.get(handle, what)->stream; }

void submit(Stream& stream, const char* what, std::function<void()> work) {
  auto named = [what, work = std::move(work)] {
    operation = what;
    work();
    operation = "";
  };
  if (stream.capture != nullptr) {
    GraphNode node;
    node.work = std::move(named);
    stream.addCaptured(std::move(node));
  } else {
    stream.enqueue([named = std::move(named)] {
      if (brokenContext() == CUDA_SUCCESS) named();
    });
  }
}

void submitLaunch(Stream& stream, std::shared_ptr<const KernelLaunch> launch) {
  if (stream.capture != nullptr) {
    GraphNode node;
    node.launch = std::move(launch);
    stream.addCaptured(std::move(node));
  } else {
    stream.enqueue([launch = std::move(launch)] { runLaunch(*launch); });
  }
}

CUresult wait(Stream& stream) {
  if (stream.capture != nullptr) return refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "waiting for a stream that captures");
  stream.synchronize();
  return brokenContext();
}

}  // namespace cuda_host

using namespace cuda_host;

CU_EXPORT CUresult cuStreamCreate(CUstream* stream, unsigned) {
  if (const CUresult error = checkContext()) return error;
  *stream = streams.add(std::make_shared<OwnedStream>());
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuStreamDestroy_v2(CUstream stream) {
  streams.remove(stream, "cuStreamDestroy");
  return checkContext();
}

CU_EXPORT CUresult cuStreamSynchronize(CUstream stream) {
  if (const CUresult error = checkContext()) return error;
  return wait(streamOf(stream, "cuStreamSynchronize"));
}

CU_EXPORT CUresult cuStreamQuery(CUstream stream) {
  if (const CUresult error = checkContext()) return error;
  return streamOf(stream, "cuStreamQuery").idle() ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CU_EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
  if (const CUresult error = checkContext()) return error;
  // A device reads pinned memory when the copy runs, and other memory before the call returns.
  std::shared_ptr<char> copy;
  if (!isPinned(from)) {
    copy = std::shared_ptr<char>(new char[bytes], std::default_delete<char[]>());
    memcpy(copy.get(), from, bytes);
  }
  submit(streamOf(stream, "cuMemcpyHtoDAsync"), "cuMemcpyHtoDAsync", [=] {
    checkDeviceRange(to, bytes, "cuMemcpyHtoDAsync");
    memcpy(reinterpret_cast<void*>(to), copy != nullptr ? copy.get() : from, bytes);
  });
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream handle) {
  if (const CUresult error = checkContext()) return error;
  Stream& stream = streamOf(handle, "cuMemcpyDtoHAsync");
  submit(stream, "cuMemcpyDtoHAsync", [=] {
    checkDeviceRange(from, bytes, "cuMemcpyDtoHAsync");
    memcpy(to, reinterpret_cast<const void*>(from), bytes);
  });
  return isPinned(to) ? CUDA_SUCCESS : wait(stream);
}

CU_EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  if (const CUresult error = checkContext()) return error;
  submit(streamOf(stream, "cuMemcpyDtoDAsync"), "cuMemcpyDtoDAsync", [=] {
    checkDeviceRange(to, bytes, "cuMemcpyDtoDAsync, to");
    checkDeviceRange(from, bytes, "cuMemcpyDtoDAsync, from");
    memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
  });
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream) {
  if (const CUresult error = checkContext()) return error;
  submit(streamOf(stream, "cuMemsetD8Async"), "cuMemsetD8Async", [=] {
    checkDeviceRange(to, bytes, "cuMemsetD8Async");
    memset(reinterpret_cast<void*>(to), value, bytes);
  });
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuMemAllocAsync(CUdeviceptr* address, size_t bytes, CUstream handle) {
  if (const CUresult error = checkContext()) return error;
  Stream& stream = streamOf(handle, "cuMemAllocAsync");
  if (bytes == 0) return refuse(CUDA_ERROR_INVALID_VALUE, "cuMemAllocAsync of 0 bytes");
  if (stream.capture != nullptr) return refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "cuMemAllocAsync on a stream that captures");
  *address = allocateDevice(bytes);
  if (*address != 0) return CUDA_SUCCESS;
  // Memory that earlier work of the stream frees is available.
  stream.synchronize();
  *address = allocateDevice(bytes);
  return *address != 0 ? brokenContext() : CUDA_ERROR_OUT_OF_MEMORY;
}

CU_EXPORT CUresult cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
  if (const CUresult error = checkContext()) return error;
  Stream& stream = streamOf(handle, "cuMemFreeAsync");
  if (stream.capture != nullptr) return refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "cuMemFreeAsync on a stream that captures");
  submit(stream, "cuMemFreeAsync", [address] { freeDevice(address, "cuMemFreeAsync"); });
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuEventCreate(CUevent* event, unsigned) {
  if (const CUresult error = checkContext()) return error;
  *event = events.add(std::make_shared<Event>());
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuEventDestroy_v2(CUevent event) {
  events.remove(event, "cuEventDestroy");
  return checkContext();
}

CU_EXPORT CUresult cuEventRecord(CUevent event, CUstream handle) {
  if (const CUresult error = checkContext()) return error;
  Stream& stream = streamOf(handle, "cuEventRecord");
  if (stream.capture != nullptr) return refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the stand-in captures no events");
  Event::record(events.get(event, "cuEventRecord"), stream);
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuEventSynchronize(CUevent event) {
  if (const CUresult error = checkContext()) return error;
  events.get(event, "cuEventSynchronize")->synchronize();
  return brokenContext();
}

CU_EXPORT CUresult cuEventQuery(CUevent event) {
  if (const CUresult error = checkContext()) return error;
  return events.get(event, "cuEventQuery")->ready() ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CU_EXPORT CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent start, CUevent end) {
  if (const CUresult error = checkContext()) return error;
  const auto first = events.get(start, "cuEventElapsedTime");
  const auto last = events.get(end, "cuEventElapsedTime");
  if (!first->recorded() || !last->recorded()) return CUDA_ERROR_INVALID_HANDLE;
  if (!first->ready() || !last->ready()) return CUDA_ERROR_NOT_READY;
  *milliseconds = first->until(*last);
  return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
  return cuEventElapsedTime_v2(milliseconds, start, end);
}
