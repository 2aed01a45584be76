// Numbers and texts between the parity scripts and graft's side, in binary form: 32-bit
// little-endian numbers; a text is its length and its bytes.
#ifndef GRAFT_TESTS_PARITY_RECORDS_H_
#define GRAFT_TESTS_PARITY_RECORDS_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace graft::parity {

// Reads records; ends the program where they end too early.
class RecordReader {
 public:
  explicit RecordReader(std::string bytes) : bytes_(std::move(bytes)) {}

  bool empty() const { return at_ == bytes_.size(); }
  uint32_t Number() {
    uint32_t value;
    std::memcpy(&value, Take(sizeof(value)).data(), sizeof(value));
    return value;
  }
  std::string_view Text() { return Take(Number()); }

 private:
  std::string_view Take(size_t size) {
    if (size > bytes_.size() - at_) {
      std::fprintf(stderr, "the input ends within a record\n");
      std::exit(1);
    }
    at_ += size;
    return std::string_view(bytes_).substr(at_ - size, size);
  }

  std::string bytes_;
  size_t at_ = 0;
};

inline void PutNumber(uint32_t value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

inline void PutText(std::string_view text, std::string& out) {
  PutNumber(static_cast<uint32_t>(text.size()), out);
  out.append(text);
}

}  // namespace graft::parity

#endif  // GRAFT_TESTS_PARITY_RECORDS_H_
