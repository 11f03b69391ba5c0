#pragma once

namespace cuda_host {

/** What this CPU thread does for the device, for reports of faults; empty when nothing. */
extern thread_local const char* operation;

/** From here on, faults of CPU threads that execute kernels or copies end the process with a report. */
void catchFaults();

/** Lets the calling CPU thread report an overflow of its own stack, or of a fiber's. To be called once per thread. */
void giveSignalStack();

}  // namespace cuda_host
