#include "tokenizers/models/sentencepiece_encoder.h"

#include <algorithm>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "absl/base/log_severity.h"
#include "absl/log/globals.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/utf8.h"
#include "sentencepiece.pb.h"
#include "sentencepiece_processor.h"

namespace graft {
namespace {

constexpr size_t kMaxNormalizedBytes = (size_t{1} << 31) - 1024;

// Calls the library: a Status of its own or an exception becomes ours; want of memory is
// ResourceExhausted.
template <typename Call>
absl::Status Guarded(const std::string& source, absl::StatusCode code, Call call) {
  const auto error = [&](std::string_view message) {
    return absl::Status(code, absl::StrCat(source, ": SentencePiece: ", message));
  };
  try {
    const absl::Status status = call();
    return status.ok() ? status : error(status.message());
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(source, ": SentencePiece: no memory left"));
  } catch (const std::exception& exception) {
    return error(exception.what());
  }
}

// The library warns on standard error of a NUL piece beside byte fallback; graft's libraries do not
// print. The level is the whole process's, hence only while such a model is loaded.
class SilentLibrary {
 public:
  SilentLibrary() : level_(absl::MinLogLevel()) {
    absl::SetMinLogLevel(absl::LogSeverityAtLeast::kError);
  }
  ~SilentLibrary() { absl::SetMinLogLevel(level_); }
  SilentLibrary(const SilentLibrary&) = delete;
  SilentLibrary& operator=(const SilentLibrary&) = delete;

 private:
  const absl::LogSeverityAtLeast level_;
};

// The most bytes that one byte of text can become. Replacements end with a NUL each.
size_t LargestGrowth(std::string_view charsmap) {
  size_t longest = 3;  // U+2581 for a space, U+FFFD
  size_t run = 0;
  for (const char c : charsmap) {
    run = c == '\0' ? 0 : run + 1;
    longest = std::max(longest, run);
  }
  return longest;
}

// A text that the library reads as graft does: well-formed, and where its bytes come from.
class WellFormedText {
 public:
  explicit WellFormedText(std::string_view text) : text_(text) {
    if (!FindInvalidUtf8(text)) return;
    for (size_t at = 0; at < text.size();) {
      const Utf8Char c = DecodeUtf8(text.substr(at));
      const size_t begin = replaced_.size();
      AppendUtf8(c.code, replaced_);
      // All bytes of a replacement begin where the part that it replaces does.
      for (size_t i = begin; i < replaced_.size(); ++i) {
        origins_.push_back(static_cast<uint32_t>(c.valid ? at + i - begin : at));
      }
      at += static_cast<size_t>(c.length);
    }
    origins_.push_back(static_cast<uint32_t>(text.size()));
    text_ = replaced_;
  }
  WellFormedText(const WellFormedText&) = delete;
  WellFormedText& operator=(const WellFormedText&) = delete;

  std::string_view text() const { return text_; }
  uint32_t Origin(uint32_t at) const { return origins_.empty() ? at : origins_[at]; }

 private:
  std::string_view text_;
  std::string replaced_;
  std::vector<uint32_t> origins_;
};

}  // namespace

class SentencePieceEncoder::Library {
 public:
  sentencepiece::SentencePieceProcessor processor;
};

SentencePieceEncoder::SentencePieceEncoder(SentencePieceModel model,
                                           std::unique_ptr<const Library> library)
    : model_(std::move(model)),
      library_(std::move(library)),
      max_text_bytes_(kMaxNormalizedBytes / LargestGrowth(model_.normalizer.charsmap)) {}
SentencePieceEncoder::SentencePieceEncoder(SentencePieceEncoder&&) noexcept = default;
SentencePieceEncoder& SentencePieceEncoder::operator=(SentencePieceEncoder&&) noexcept = default;
SentencePieceEncoder::~SentencePieceEncoder() = default;

absl::StatusOr<SentencePieceEncoder> SentencePieceEncoder::Load(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxSentencePieceBytes));
  return Parse(bytes, path);
}

absl::StatusOr<SentencePieceEncoder> SentencePieceEncoder::Parse(std::string_view bytes,
                                                                 const std::string& source) {
  ABSL_ASSIGN_OR_RETURN(SentencePieceModel model,
                        ParseSentencePieceModel(std::string(bytes), source));
  auto library = std::make_unique<Library>();
  std::optional<SilentLibrary> silence;
  if (model.pieces.Find(std::string_view("\0", 1))) silence.emplace();
  ABSL_RETURN_IF_ERROR(Guarded(source, absl::StatusCode::kDataLoss,
                               [&] { return library->processor.LoadFromSerializedProto(bytes); }));
  return SentencePieceEncoder(std::move(model), std::move(library));
}

absl::Status SentencePieceEncoder::Encode(std::string_view text,
                                          std::vector<ModelToken>& tokens) const {
  return Run(text, tokens, nullptr);
}

absl::Status SentencePieceEncoder::Encode(std::string_view text, std::vector<ModelToken>& tokens,
                                          std::vector<std::string>& pieces) const {
  return Run(text, tokens, &pieces);
}

absl::Status SentencePieceEncoder::Run(std::string_view text, std::vector<ModelToken>& tokens,
                                       std::vector<std::string>* pieces) const {
  if (text.size() > max_text_bytes_) {
    return absl::InvalidArgumentError(absl::StrCat("a text for ", model_.source,
                                                   ": expected at most ", max_text_bytes_,
                                                   " bytes, found ", text.size()));
  }
  const WellFormedText input(text);
  sentencepiece::SentencePieceText output;
  ABSL_RETURN_IF_ERROR(Guarded(model_.source, absl::StatusCode::kInternal,
                               [&] { return library_->processor.Encode(input.text(), &output); }));
  const size_t first = tokens.size();
  for (const auto& piece : output.pieces()) {
    tokens.push_back({static_cast<int32_t>(piece.id()),
                      {input.Origin(piece.begin()), input.Origin(piece.end())}});
    if (pieces != nullptr) pieces->push_back(piece.piece());
  }
  // The library gives a character to the last of its bytes.
  for (size_t i = tokens.size(); i-- > first + 1;) {
    ModelToken& before = tokens[i - 1];
    if (model_.types[static_cast<size_t>(before.id)] == SentencePieceType::kByte &&
        model_.types[static_cast<size_t>(tokens[i].id)] == SentencePieceType::kByte &&
        before.span.end == before.span.begin && before.span.begin == tokens[i].span.begin) {
      before.span = tokens[i].span;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> SentencePieceEncoder::Decode(absl::Span<const int32_t> ids) const {
  std::string text;
  ABSL_RETURN_IF_ERROR(Guarded(model_.source, absl::StatusCode::kInvalidArgument,
                               [&] { return library_->processor.Decode(ids, &text); }));
  return text;
}

std::string_view PropertyForLibrary(const SentencePieceModel& model) {
  using Kind = SentencePieceModel::Kind;
  if (model.kind == Kind::kWord) return "a word model";
  if (model.kind == Kind::kChar) return "a character model";
  if (model.treat_whitespace_as_suffix) return "whitespace as a suffix";
  if (!model.normalizer.escape_whitespaces) return "spaces that stay spaces";
  for (size_t i = 0; i < model.types.size(); ++i) {
    if (model.types[i] == SentencePieceType::kUserDefined) return "user-defined pieces";
    if (model.types[i] == SentencePieceType::kUnused && model.kind == Kind::kBpe) {
      return "unused pieces";
    }
    if (model.pieces.token(static_cast<int32_t>(i)).find('\0') != std::string_view::npos) {
      return "pieces with a NUL";
    }
  }
  return "";
}

}  // namespace graft
