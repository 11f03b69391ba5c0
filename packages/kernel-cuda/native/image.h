#pragma once
// The compiled kernels, which are part of the addon.

namespace mamba {

// A fat binary: machine code by architecture, and PTX.
const void* kernelImage();
// The digest of the sources it was made from.
const char* kernelDigest();

}  // namespace mamba
