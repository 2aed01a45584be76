// What reader and writer of safetensors files agree on. Internal: not part of the installed
// headers.
#ifndef GRAFT_MODELS_WEIGHTS_SAFETENSORS_LIMITS_H_
#define GRAFT_MODELS_WEIGHTS_SAFETENSORS_LIMITS_H_

#include <cstdint>
#include <string_view>

namespace graft {

inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;  // of the Rust library
inline constexpr uint64_t kSafetensorsAlignment = 64;  // a cache line, and the widest vector
inline constexpr std::string_view kSafetensorsMetadata = "__metadata__";
inline constexpr std::string_view kGraftMark = "graft";  // key of the metadata
inline constexpr std::string_view kGraftVersion = "1";

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_SAFETENSORS_LIMITS_H_
