// Unicode's normalization forms (Unicode 15, section 3.11) with spans.
#include <algorithm>
#include <array>

#include "tokenizers/normalizers/normalizer.h"
#include "tokenizers/unicode.h"

namespace graft {
namespace {

using Part = UnicodeForm::Part;

// Below these every character is its own form and goes into no other one.
constexpr uint8_t kFirstLeadOfNfc = 0xCC;  // U+0300
constexpr uint8_t kFirstLeadOfNfd = 0xC3;  // U+00C0
constexpr uint8_t kFirstLeadOfNfk = 0xC2;  // U+0080

class Former {
 public:
  Former(UnicodeForm& form, NormalizedText& text) : form_(form), out_(text) {}

  void Run(std::string_view text) {
    std::array<char32_t, kMaxCompatibilityDecomposition> parts;
    std::array<char32_t, kMaxDecomposition> canonical;
    for (size_t at = 0; at < text.size(); at += CharLength(text[at])) {
      const char32_t code = CharAt(text.substr(at));
      int count;
      if (form_.compatibility) {
        count = DecomposeCompatibly(code, parts);
      } else {
        count = DecomposeCanonically(code, canonical);
        std::copy(canonical.begin(), canonical.begin() + count, parts.begin());
      }
      for (int i = 0; i < count; ++i) {
        AddDecomposed({parts[i], LookUpChar(parts[i]).combining_class, i == 0 ? 0 : 1});
      }
    }
    FlushMarks();
    FlushPending();
    out_.Commit();
  }

 private:
  // Canonical ordering of the marks since the last starter.
  void AddDecomposed(const Part& part) {
    if (part.combining_class != 0) {
      form_.marks.push_back(part);
      return;
    }
    FlushMarks();
    AddOrdered(part);
  }

  void FlushMarks() {
    std::stable_sort(form_.marks.begin(), form_.marks.end(), [](const Part& a, const Part& b) {
      return a.combining_class < b.combining_class;
    });
    for (const Part& mark : form_.marks) AddOrdered(mark);
    form_.marks.clear();
  }

  // Composition of a starter with what follows it.
  void AddOrdered(const Part& part) {
    std::vector<Part>& pending = form_.pending;
    if (!form_.composed || (pending.empty() && part.combining_class != 0)) {
      return out_.Transform(part.code, part.change);
    }
    if (pending.empty()) return pending.push_back(part);
    const bool blocked =
        pending.size() > 1 && pending.back().combining_class >= part.combining_class;
    const char32_t composed = blocked ? 0 : Compose(pending[0].code, part.code);
    if (composed != 0) {
      pending[0].code = composed;
      pending[0].change += part.change - 1;
      return;
    }
    if (part.combining_class == 0) FlushPending();
    pending.push_back(part);
  }

  void FlushPending() {
    for (const Part& part : form_.pending) out_.Transform(part.code, part.change);
    form_.pending.clear();
  }

  UnicodeForm& form_;
  TextRewriter out_;
};

}  // namespace

void UnicodeForm::Apply(NormalizedText& text) {
  const uint8_t first = compatibility ? kFirstLeadOfNfk
                        : composed    ? kFirstLeadOfNfc
                                      : kFirstLeadOfNfd;
  const std::string_view all = text.text();
  if (std::all_of(all.begin(), all.end(), [first](char c) {
        // Continuation bytes say nothing.
        return static_cast<uint8_t>(c) < first;
      })) {
    return;
  }
  Former(*this, text).Run(all);
}

}  // namespace graft
