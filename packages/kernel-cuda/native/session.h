#pragma once
// One kernel instance on a device: its stream, memory, launches and reads.

#include <napi.h>

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "blas.h"
#include "graphs.h"
#include "staging.h"
#include "waiter.h"

namespace mamba {

// In JavaScript: `new Session(device, names)`, with the names of the GPU kernels. Methods throw errors whose `code` is the
// driver's name of the error.
class Session : public Napi::ObjectWrap<Session> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit Session(const Napi::CallbackInfo& info);
  ~Session() override;

 private:
  Napi::Value allocate(const Napi::CallbackInfo& info);
  void free(const Napi::CallbackInfo& info);
  void trim(const Napi::CallbackInfo& info);
  void submit(const Napi::CallbackInfo& info);
  void write(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  Napi::Value blas(const Napi::CallbackInfo& info);
  Napi::Value counts(const Napi::CallbackInfo& info);

  void open(int device);
  void enter() const;
  void parse(const uint32_t* words, size_t count);
  void runLaunches();
  void runSgemm(const uint32_t* record);
  CUfunction function(uint32_t index);
  void complete(Napi::Env env, std::unique_ptr<Read> read);
  void shut();
  static void onExit(void* self);

  Napi::Env env_;
  std::vector<std::string> names_;
  std::vector<CUfunction> functions_;
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
  CUmodule module_ = nullptr;
  CUstream stream_ = nullptr;
  CUmemoryPool pool_ = nullptr;  // null when the device has none
  std::unordered_set<CUdeviceptr> allocations_;
  std::vector<Launch> launches_;
  std::vector<CUevent> events_;
  std::unique_ptr<Graphs> graphs_;
  std::unique_ptr<Blas> blas_;
  std::unique_ptr<ReadBlocks> blocks_;
  std::unique_ptr<UploadRing> uploads_;
  std::unique_ptr<Waiter> waiter_;
  bool hooked_ = false;
};

}  // namespace mamba
