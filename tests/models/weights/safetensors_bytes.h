// Safetensors files made by hand, right and wrong ones.
#ifndef GRAFT_TESTS_MODELS_WEIGHTS_SAFETENSORS_BYTES_H_
#define GRAFT_TESTS_MODELS_WEIGHTS_SAFETENSORS_BYTES_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace graft::testing {

inline std::string LittleEndian64(uint64_t value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

// A file of this header, with the length in front, and `data`.
inline std::string SafetensorsBytes(std::string_view header, std::string_view data = "") {
  return LittleEndian64(header.size()) + std::string(header) + std::string(data);
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_MODELS_WEIGHTS_SAFETENSORS_BYTES_H_
