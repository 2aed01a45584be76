// Patterns of tokenizer.json over ICU's regular expressions. Internal: not part of the installed
// headers.
#ifndef GRAFT_TOKENIZERS_REGEX_H_
#define GRAFT_TOKENIZERS_REGEX_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tokenizers/encoding.h"

struct URegularExpression;

namespace graft {

inline constexpr size_t kMaxPatternBytes = 4096;

// A compiled pattern with what one thread needs to search with it; a copy is for another thread.
// The peer compiles with Oniguruma in Ruby's syntax; what differs there from ICU (line anchors, the
// dot, \w, \h, newer characters) is put right.
class Regex {
 public:
  // InvalidArgument ("expected ..., found ...") for a pattern that is too long or that ICU does not
  // compile.
  static absl::StatusOr<Regex> Compile(std::string_view pattern);

  Regex(const Regex& other);
  Regex(Regex&& other) noexcept = default;
  Regex& operator=(const Regex& other) { return *this = Regex(other); }
  Regex& operator=(Regex&& other) noexcept = default;

  // The pattern as it was given.
  const std::string& source() const { return source_; }

  // The matches in well-formed UTF-8, from left to right; none is empty where the one before it
  // ends. Backtracking is limited in steps and memory: a search that reaches a limit ends, and the
  // rest counts as without a match, until BeginText. Valid until the next call.
  const std::vector<Span>& Find(std::string_view text);

  // Begins a text of so many bytes, of which Find gets the parts: the searches share one limit of
  // steps, which grows with the bytes, so that many parts do not take many times as long.
  void BeginText(size_t bytes);
  // Whether a limit has been reached since.
  bool exhausted() const { return units_left_ <= 0; }

 private:
  struct Close {
    void operator()(URegularExpression* regex) const;
  };
  Regex(URegularExpression* regex, std::string source);
  void SetLimits();
  void Convert(std::string_view text);

  std::unique_ptr<URegularExpression, Close> regex_;
  std::string source_;
  int64_t units_left_ = 0;        // of steps, as ICU counts them
  std::u16string units_;          // of the text
  std::vector<uint32_t> places_;  // the byte at which each unit's character begins, and the end
  std::vector<Span> matches_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_REGEX_H_
