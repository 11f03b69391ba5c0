#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "kernel.h"

namespace cuda_host {

/** Objects that callers hold by opaque handles. An unknown handle is a fault. */
template <typename T>
class Handles {
 public:
  explicit Handles(const char* kind) : kind(kind) {}

  void* add(std::shared_ptr<T> object) {
    const std::lock_guard<std::mutex> lock(mutex);
    // Handles are numbers, not addresses, so a destroyed handle is never reused.
    void* handle = reinterpret_cast<void*>(next += 16);
    objects[handle] = std::move(object);
    return handle;
  }

  std::shared_ptr<T> get(void* handle, const char* what) {
    const std::lock_guard<std::mutex> lock(mutex);
    return find(handle, what)->second;
  }

  std::shared_ptr<T> remove(void* handle, const char* what) {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto found = find(handle, what);
    std::shared_ptr<T> object = std::move(found->second);
    objects.erase(found);
    return object;
  }

  std::map<void*, std::shared_ptr<T>> takeAll() {
    const std::lock_guard<std::mutex> lock(mutex);
    return std::move(objects);
  }

 private:
  typename std::map<void*, std::shared_ptr<T>>::iterator find(void* handle, const char* what) {
    const auto found = objects.find(handle);
    if (found == objects.end()) fail("%s: %p is no %s, or one that was destroyed", what, handle, kind);
    return found;
  }

  const char* kind;
  std::mutex mutex;
  uintptr_t next = 0x10000;
  std::map<void*, std::shared_ptr<T>> objects;
};

}  // namespace cuda_host
