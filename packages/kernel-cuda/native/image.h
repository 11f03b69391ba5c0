#pragma once
// The compiled GPU kernels, embedded in the addon.

namespace mamba {

// The fat binary: machine code for each architecture, and PTX.
const void* kernelImage();
// The digest of the CUDA sources that it was compiled from.
const char* kernelDigest();

}  // namespace mamba
