#include "session.h"

#include <cstring>

#include "errors.h"
#include "image.h"

namespace mamba {

// Marks a record as a cuBLAS product, in place of the index of a GPU kernel.
constexpr uint32_t kSgemmRecord = 0xffffffffu;

Napi::Function Session::define(Napi::Env env) {
  return DefineClass(env, "Session",
                     {
                         InstanceMethod<&Session::allocate>("allocate"),
                         InstanceMethod<&Session::free>("free"),
                         InstanceMethod<&Session::trim>("trim"),
                         InstanceMethod<&Session::submit>("submit"),
                         InstanceMethod<&Session::write>("write"),
                         InstanceMethod<&Session::read>("read"),
                         InstanceMethod<&Session::close>("close"),
                         InstanceAccessor<&Session::blas>("blas"),
                         InstanceAccessor<&Session::counts>("counts"),
                     });
}

Session::Session(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Session>(info), env_(info.Env()) {
  const Napi::Array names = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < names.Length(); i++) names_.push_back(names.Get(i).As<Napi::String>().Utf8Value());
  functions_.resize(names_.size(), nullptr);
  const int device = info[0].As<Napi::Number>().Int32Value();
  translated(env_, [&] {
    try {
      open(device);
    } catch (...) {
      shut();
      throw;
    }
  });
}

Session::~Session() { shut(); }

void Session::open(int device) {
  const Driver& cuda = driver();
  check(cuda.init(0), "cuInit");
  check(cuda.deviceGet(&device_, device), "cuDeviceGet");
  check(cuda.primaryCtxRetain(&context_, device_), "cuDevicePrimaryCtxRetain");
  enter();
  check(cuda.streamCreate(&stream_, kStreamNonBlocking), "cuStreamCreate");
  check(cuda.moduleLoadData(&module_, kernelImage()), "cuModuleLoadData");
  int pools = 0;
  check(cuda.deviceGetAttribute(&pools, kAttributeMemoryPools, device_), "cuDeviceGetAttribute");
  if (pools != 0) {
    check(cuda.deviceGetDefaultMemPool(&pool_, device_), "cuDeviceGetDefaultMemPool");
    // Freed memory stays with the process until `trim`: returning it at every synchronization would cost more than the work.
    uint64_t all = UINT64_MAX;
    check(cuda.memPoolSetAttribute(pool_, kPoolReleaseThreshold, &all), "cuMemPoolSetAttribute");
  }
  graphs_ = std::make_unique<Graphs>(stream_);
  blocks_ = std::make_unique<ReadBlocks>();
  uploads_ = std::make_unique<UploadRing>(stream_);
  waiter_ = std::make_unique<Waiter>(env_, context_, [this](Napi::Env env, std::unique_ptr<Read> read) {
    complete(env, std::move(read));
  });
  // Hooks run in reverse order: this one runs before the hook of the waiter's thread-safe function.
  napi_add_env_cleanup_hook(env_, onExit, this);
  hooked_ = true;
}

// Makes the context current, because other sessions and libraries set their own contexts on this thread.
void Session::enter() const {
  if (context_ == nullptr) throw CudaError(kDeinitialized, "the session is closed");
  check(driver().ctxSetCurrent(context_), "cuCtxSetCurrent");
}

// allocate(bytes): returns the address of device memory with undefined content.
Napi::Value Session::allocate(const Napi::CallbackInfo& info) {
  const size_t bytes = static_cast<size_t>(info[0].As<Napi::Number>().Int64Value());
  return translated(env_, [&] {
    enter();
    CUdeviceptr address = 0;
    if (pool_ != nullptr) {
      check(driver().memAllocAsync(&address, bytes, stream_), "cuMemAllocAsync");
    } else {
      check(driver().memAlloc(&address, bytes), "cuMemAlloc");
    }
    allocations_.insert(address);
    return Napi::Number::New(env_, static_cast<double>(address));
  });
}

// free(address): frees memory in stream order, because submitted work may still use it.
void Session::free(const Napi::CallbackInfo& info) {
  const CUdeviceptr address = static_cast<CUdeviceptr>(info[0].As<Napi::Number>().Int64Value());
  translated(env_, [&] {
    enter();
    if (allocations_.erase(address) == 0) return;
    if (pool_ != nullptr) {
      check(driver().memFreeAsync(address, stream_), "cuMemFreeAsync");
    } else {
      check(driver().memFree(address), "cuMemFree");
    }
  });
}

// trim(): waits for the stream, then returns freed memory to the device.
void Session::trim(const Napi::CallbackInfo&) {
  translated(env_, [&] {
    enter();
    check(driver().streamSynchronize(stream_), "cuStreamSynchronize");
    if (pool_ != nullptr) check(driver().memPoolTrimTo(pool_, 0), "cuMemPoolTrimTo");
  });
}

// submit(words, count): runs the records in the first `count` words.
void Session::submit(const Napi::CallbackInfo& info) {
  const Napi::Uint32Array words = info[0].As<Napi::Uint32Array>();
  const size_t count = info[1].As<Napi::Number>().Uint32Value();
  translated(env_, [&] {
    enter();
    if (count > words.ElementLength()) throw CudaError(kInvalidValue, "submit: the count exceeds the array of words");
    parse(words.Data(), count);
  });
}

void Session::parse(const uint32_t* words, size_t count) {
  launches_.clear();
  for (size_t at = 0; at < count;) {
    const uint32_t* record = words + at;
    if (count - at < Launch::kHeader) throw CudaError(kInvalidValue, "submit: the last record is cut off");
    const size_t argWords = (size_t{record[5]} + 7) / 8 * 2;
    at += Launch::kHeader + argWords;
    if (at > count) throw CudaError(kInvalidValue, "submit: the last record is cut off");
    if (record[0] == kSgemmRecord) {
      runLaunches();
      runSgemm(record);
    } else {
      launches_.push_back({function(record[0]), record});
    }
  }
  runLaunches();
}

void Session::runLaunches() {
  if (!launches_.empty()) graphs_->run(launches_);
  launches_.clear();
}

// The words of the record: sgemmRecord, m, n, k, flags (1: A transposed, 2: B transposed), bytes, the addresses of A, B and C,
// and their leading extents.
void Session::runSgemm(const uint32_t* record) {
  if (blas_ == nullptr) blas_ = std::make_unique<Blas>(stream_);
  const bool transA = (record[4] & 1) != 0, transB = (record[4] & 2) != 0;
  CUdeviceptr at[3];
  std::memcpy(at, record + Launch::kHeader, sizeof at);
  const uint32_t* ld = record + Launch::kHeader + 6;
  blas_->sgemm({transA, transB, record[1], record[2], record[3], at[0], at[1], at[2], ld[0], ld[1], ld[2]});
}

CUfunction Session::function(uint32_t index) {
  if (index >= functions_.size()) throw CudaError(kInvalidValue, "submit: there is no GPU kernel " + std::to_string(index));
  CUfunction& function = functions_[index];
  if (function == nullptr) {
    const std::string call = "cuModuleGetFunction " + names_[index];
    check(driver().moduleGetFunction(&function, module_, names_[index].c_str()), call.c_str());
  }
  return function;
}

// write(address, bytes): copies host memory to the device in stream order.
void Session::write(const Napi::CallbackInfo& info) {
  const CUdeviceptr address = static_cast<CUdeviceptr>(info[0].As<Napi::Number>().Int64Value());
  const Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  translated(env_, [&] {
    enter();
    uploads_->send(address, bytes.Data(), bytes.ByteLength());
  });
}

// Copies the results of a read to one ArrayBuffer per chunk.
static Napi::Array copies(Napi::Env env, const Read& read) {
  Napi::Array buffers = Napi::Array::New(env, read.sizes.size());
  const uint8_t* source = read.block.memory;
  for (size_t i = 0; i < read.sizes.size(); i++) {
    Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, read.sizes[i]);
    std::memcpy(buffer.Data(), source, read.sizes[i]);
    source += read.sizes[i];
    buffers.Set(static_cast<uint32_t>(i), buffer);
  }
  return buffers;
}

// read([address, bytes, address, bytes, …]): copies chunks of device memory after all submitted work. Returns a promise of one
// ArrayBuffer per chunk.
Napi::Value Session::read(const Napi::CallbackInfo& info) {
  const Napi::Float64Array sources = info[0].As<Napi::Float64Array>();
  return translated(env_, [&]() -> Napi::Value {
    enter();
    const Driver& cuda = driver();
    auto read = std::make_unique<Read>(env_);
    size_t total = 0;
    for (size_t i = 1; i < sources.ElementLength(); i += 2) {
      read->sizes.push_back(static_cast<size_t>(sources[i]));
      total += read->sizes.back();
    }
    if (total > 0) read->block = blocks_->take(total);
    uint8_t* target = read->block.memory;
    for (size_t i = 0; i < read->sizes.size(); i++) {
      const CUdeviceptr address = static_cast<CUdeviceptr>(sources[2 * i]);
      check(cuda.memcpyDtoHAsync(target, address, read->sizes[i], stream_), "cuMemcpyDtoHAsync");
      target += read->sizes[i];
    }
    if (events_.empty()) {
      check(cuda.eventCreate(&read->event, kEventDisableTiming), "cuEventCreate");
    } else {
      read->event = events_.back();
      events_.pop_back();
    }
    check(cuda.eventRecord(read->event, stream_), "cuEventRecord");
    const Napi::Promise promise = read->done.Promise();
    waiter_->add(std::move(read));
    // The session must not be garbage collected while a read is pending.
    Ref();
    return promise;
  });
}

void Session::complete(Napi::Env env, std::unique_ptr<Read> read) {
  Unref();
  driver().ctxSetCurrent(context_);
  events_.push_back(read->event);
  try {
    translated(env, [&] {
      check(read->result, "cuEventSynchronize");
      read->done.Resolve(copies(env, *read));
    });
  } catch (const Napi::Error& error) {
    read->done.Reject(error.Value());
  }
  if (read->block.memory != nullptr) blocks_->give(read->block);
}

void Session::close(const Napi::CallbackInfo&) { shut(); }

Napi::Value Session::blas(const Napi::CallbackInfo&) { return Napi::String::New(env_, Blas::find()); }

Napi::Value Session::counts(const Napi::CallbackInfo&) {
  Napi::Object counts = Napi::Object::New(env_);
  const Graphs::Counts& graphs = graphs_ == nullptr ? Graphs::Counts{} : graphs_->counts();
  counts.Set("kernels", static_cast<double>(graphs.kernels));
  counts.Set("graphs", static_cast<double>(graphs.replays));
  counts.Set("updates", static_cast<double>(graphs.updates));
  counts.Set("built", static_cast<double>(graphs.built));
  return counts;
}

// Called when the process or the worker thread ends before the session is closed.
void Session::onExit(void* self) {
  static_cast<Session*>(self)->hooked_ = false;
  static_cast<Session*>(self)->shut();
}

// Releases everything, also after a failed `open`. Errors are ignored: after an error of the device every call fails.
void Session::shut() {
  if (hooked_) {
    hooked_ = false;
    napi_remove_env_cleanup_hook(env_, onExit, this);
  }
  if (context_ == nullptr) return;
  const Driver& cuda = driver();
  cuda.ctxSetCurrent(context_);
  waiter_.reset();
  if (stream_ != nullptr) cuda.streamSynchronize(stream_);
  blas_.reset();
  graphs_.reset();
  uploads_.reset();
  blocks_.reset();
  for (CUevent event : events_) cuda.eventDestroy(event);
  for (CUdeviceptr address : allocations_) {
    if (pool_ != nullptr) {
      cuda.memFreeAsync(address, stream_);
    } else {
      cuda.memFree(address);
    }
  }
  allocations_.clear();
  if (stream_ != nullptr) {
    cuda.streamSynchronize(stream_);
    cuda.streamDestroy(stream_);
  }
  if (pool_ != nullptr) cuda.memPoolTrimTo(pool_, 0);
  if (module_ != nullptr) cuda.moduleUnload(module_);
  cuda.ctxSetCurrent(nullptr);
  cuda.primaryCtxRelease(device_);
  context_ = nullptr;
}

}  // namespace mamba
