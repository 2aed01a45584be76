// What reader and writer of safetensors files agree on. Internal: not part of the installed
// headers.
#ifndef GRAFT_MODELS_WEIGHTS_SAFETENSORS_LIMITS_H_
#define GRAFT_MODELS_WEIGHTS_SAFETENSORS_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "models/weights/weight_table.h"

namespace graft {

// What graft reads and writes: room for 65,536 tensors with names of 150 bytes, in less memory than
// 256 MiB. The format itself, as the Rust library reads it, goes further.
inline constexpr uint64_t kMaxSafetensorsHeader = 16'000'000;
inline constexpr uint64_t kMaxSafetensorsHeaderOfFormat = 100'000'000;
// Of the metadata, and of lists that nobody reads: no bound that a file has met.
inline constexpr size_t kMaxSafetensorsEntries = 2 * kMaxTensors;
inline constexpr uint64_t kSafetensorsAlignment = 64;  // a cache line, and the widest vector
inline constexpr std::string_view kSafetensorsMetadata = "__metadata__";
inline constexpr std::string_view kGraftMark = "graft";  // key of the metadata
inline constexpr std::string_view kGraftVersion = "1";

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_SAFETENSORS_LIMITS_H_
