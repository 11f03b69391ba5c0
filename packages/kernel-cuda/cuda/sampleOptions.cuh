#pragma once
#include <cstdint>

// The options of one row of `sample`, as words of 4 bytes.
struct SampleOptions {
  float temperature;
  float topP;
  float minP;
  float uniform;
  float repetitionPenalty;
  uint32_t topK;
};
