#pragma once

namespace cuda_host {

/** Name of the device operation that this CPU thread is executing, for reports; empty when there is none. */
extern thread_local const char* operation;

/** Installs the signal handlers: faults of CPU threads that execute GPU kernels or copies end the process with a report. */
void catchFaults();

/** Enables the calling CPU thread to report stack overflows, also of fibers. Call it once per thread. */
void giveSignalStack();

}  // namespace cuda_host
