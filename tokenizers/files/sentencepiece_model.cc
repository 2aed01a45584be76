#include "tokenizers/files/sentencepiece_model.h"

#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/utf8.h"
#include "base/wire_format.h"
#include "tokenizers/files/charsmap_check.h"
#include "tokenizers/files/vocabulary_file.h"

namespace graft {
namespace {

using Type = WireField::Type;

constexpr std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kVarint:
      return "a varint";
    case Type::kFixed64:
      return "8 bytes";
    case Type::kBytes:
      return "a string";
    case Type::kFixed32:
      return "4 bytes";
  }
  return "";
}

// A place in the model for messages: "pieces[5].score", {"trainer_spec", "unk_id"}. Becomes a
// string only in them: a model has many pieces.
struct Name {
  std::string_view message;
  std::string_view member = {};
  std::optional<size_t> index = std::nullopt;

  template <typename Sink>
  friend void AbslStringify(Sink& sink, const Name& name) {
    sink.Append(name.message);
    if (name.index) sink.Append(absl::StrCat("[", *name.index, "]"));
    if (!name.member.empty()) sink.Append(absl::StrCat(".", name.member));
  }
};

struct RawPiece {
  FileBytes text;
  float score = 0;
  SentencePieceType type = SentencePieceType::kNormal;
  size_t begin = 0;  // in the file
};

class SentencePieceReader {
 public:
  SentencePieceReader(std::string bytes, const std::string& source)
      : bytes_(std::move(bytes)), source_(source), model_(source, Vocabulary("", {})) {}

  absl::StatusOr<SentencePieceModel> Read() {
    if (bytes_.empty()) return Error(0, "a SentencePiece model", "an empty file");
    WireReader reader({bytes_, 0}, source_);
    while (!reader.done()) {
      ABSL_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      ABSL_RETURN_IF_ERROR(ReadModelField(field));
    }
    if (pieces_.empty()) return Error(bytes_.size(), "pieces", "none");
    ABSL_RETURN_IF_ERROR(CheckRoles());
    return Finish();
  }

 private:
  absl::Status Error(size_t at, std::string_view expected, std::string_view found) const {
    return absl::DataLossError(
        absl::StrCat(source_, ": byte ", at, ": expected ", expected, ", found ", found));
  }
  // "pieces[5] as a string"
  absl::Status Expect(const WireField& field, Type type, const Name& name) const {
    if (field.type == type) return absl::OkStatus();
    return Error(field.begin, absl::StrCat(name, " as ", TypeName(type)), TypeName(field.type));
  }
  absl::Status ReadBool(const WireField& field, const Name& name, bool& value) const {
    ABSL_RETURN_IF_ERROR(Expect(field, Type::kVarint, name));
    value = field.value != 0;
    return absl::OkStatus();
  }
  absl::Status ReadString(const WireField& field, const Name& name, std::string& value) const {
    ABSL_RETURN_IF_ERROR(Expect(field, Type::kBytes, name));
    if (FindInvalidUtf8(field.bytes.bytes)) {
      return Error(field.bytes.begin, absl::StrCat(name, " in UTF-8"), "an ill-formed sequence");
    }
    value = field.bytes.bytes;
    return absl::OkStatus();
  }
  // An int32, which the wire gives as 64 bits.
  absl::Status ReadId(const WireField& field, const Name& name, int32_t& id) const {
    ABSL_RETURN_IF_ERROR(Expect(field, Type::kVarint, name));
    const int64_t value = static_cast<int64_t>(field.value);
    if (value < -1 || value >= static_cast<int64_t>(kMaxTokens)) {
      return Error(field.begin, absl::StrCat(name, " from -1 to ", kMaxTokens - 1),
                   absl::StrCat(value));
    }
    id = static_cast<int32_t>(value);
    return absl::OkStatus();
  }

  absl::Status ReadModelField(const WireField& field) {
    switch (field.number) {
      case 1:
        ABSL_RETURN_IF_ERROR(Expect(field, Type::kBytes, PieceName(pieces_.size())));
        return ReadPiece(field.bytes);
      case 2:
        ABSL_RETURN_IF_ERROR(Expect(field, Type::kBytes, {"trainer_spec"}));
        return ReadTrainer(field.bytes);
      case 3:
        ABSL_RETURN_IF_ERROR(Expect(field, Type::kBytes, {"normalizer_spec"}));
        return ReadNormalizer(field.bytes, "normalizer_spec", model_.normalizer);
      case 5:
        ABSL_RETURN_IF_ERROR(Expect(field, Type::kBytes, {"denormalizer_spec"}));
        if (!model_.denormalizer) model_.denormalizer.emplace();
        return ReadNormalizer(field.bytes, "denormalizer_spec", *model_.denormalizer);
      default:
        return absl::OkStatus();
    }
  }

  static Name PieceName(size_t index, std::string_view member = {}) {
    return {"pieces", member, index};
  }

  absl::Status ReadPiece(FileBytes message) {
    if (pieces_.size() == kMaxTokens) {
      return Error(message.begin, absl::StrCat("at most ", kMaxTokens, " pieces"), "more");
    }
    RawPiece piece;
    piece.begin = message.begin;
    WireReader reader(message, source_);
    while (!reader.done()) {
      ABSL_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      const auto name = [&](std::string_view member) { return PieceName(pieces_.size(), member); };
      if (field.number == 1) {
        ABSL_RETURN_IF_ERROR(Expect(field, Type::kBytes, name("piece")));
        piece.text = field.bytes;
      } else if (field.number == 2) {
        ABSL_RETURN_IF_ERROR(Expect(field, Type::kFixed32, name("score")));
        piece.score = std::bit_cast<float>(static_cast<uint32_t>(field.value));
        if (!std::isfinite(piece.score)) {
          return Error(field.begin, absl::StrCat(name("score"), " as a finite number"),
                       absl::StrCat(piece.score));
        }
      } else if (field.number == 3) {
        ABSL_RETURN_IF_ERROR(Expect(field, Type::kVarint, name("type")));
        if (field.value < 1 || field.value > 6) {
          return Error(field.begin, absl::StrCat(name("type"), " from 1 to 6"),
                       absl::StrCat(field.value));
        }
        piece.type = static_cast<SentencePieceType>(field.value);
      }
    }
    ABSL_RETURN_IF_ERROR(CheckText(piece));
    pieces_.push_back(piece);
    return absl::OkStatus();
  }

  absl::Status CheckText(const RawPiece& piece) const {
    const Name name = PieceName(pieces_.size());
    const std::string_view text = piece.text.bytes;
    if (text.empty()) return Error(piece.begin, absl::StrCat(name, " with a text"), "none");
    if (text.size() > kMaxTokenBytes) {
      return Error(piece.text.begin, absl::StrCat(name, " of at most ", kMaxTokenBytes, " bytes"),
                   absl::StrCat(text.size(), " bytes"));
    }
    if (const auto invalid = FindInvalidUtf8(text)) {
      return Error(piece.text.begin + *invalid, absl::StrCat(name, " in UTF-8"),
                   "an ill-formed sequence");
    }
    return absl::OkStatus();
  }

  absl::Status ReadTrainer(FileBytes message) {
    WireReader reader(message, source_);
    while (!reader.done()) {
      ABSL_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      ABSL_RETURN_IF_ERROR(ReadTrainerField(field));
    }
    return absl::OkStatus();
  }

  absl::Status ReadTrainerField(const WireField& field) {
    switch (field.number) {
      case 3:
        return ReadKind(field);
      case 24:
        return ReadBool(field, {"trainer_spec", "treat_whitespace_as_suffix"},
                        model_.treat_whitespace_as_suffix);
      case 35:
        return ReadBool(field, {"trainer_spec", "byte_fallback"}, model_.byte_fallback);
      case 40:
        return ReadId(field, {"trainer_spec", "unk_id"}, model_.trained_unk_id);
      case 41:
        return ReadId(field, {"trainer_spec", "bos_id"}, model_.trained_bos_id);
      case 42:
        return ReadId(field, {"trainer_spec", "eos_id"}, model_.trained_eos_id);
      case 43:
        return ReadId(field, {"trainer_spec", "pad_id"}, model_.trained_pad_id);
      case 44:
        return ReadString(field, {"trainer_spec", "unk_surface"}, model_.unk_surface);
      case 45:
        return ReadString(field, {"trainer_spec", "unk_piece"}, model_.unk_piece);
      case 46:
        return ReadString(field, {"trainer_spec", "bos_piece"}, model_.bos_piece);
      case 47:
        return ReadString(field, {"trainer_spec", "eos_piece"}, model_.eos_piece);
      case 48:
        return ReadString(field, {"trainer_spec", "pad_piece"}, model_.pad_piece);
      default:
        return absl::OkStatus();
    }
  }

  absl::Status ReadKind(const WireField& field) {
    ABSL_RETURN_IF_ERROR(Expect(field, Type::kVarint, {"trainer_spec", "model_type"}));
    if (field.value < 1 || field.value > 4) {
      return Error(field.begin,
                   "trainer_spec.model_type from 1 to 4 (unigram, BPE, word, character)",
                   absl::StrCat(field.value));
    }
    model_.kind = static_cast<SentencePieceModel::Kind>(field.value);
    return absl::OkStatus();
  }

  absl::Status ReadNormalizer(FileBytes message, std::string_view name,
                              SentencePieceNormalizer& normalizer) {
    WireReader reader(message, source_);
    while (!reader.done()) {
      ABSL_ASSIGN_OR_RETURN(const WireField field, reader.Next());
      const auto member = [&](std::string_view last) { return Name{name, last}; };
      if (field.number == 2) {
        const Name charsmap = member("precompiled_charsmap");
        ABSL_RETURN_IF_ERROR(Expect(field, Type::kBytes, charsmap));
        ABSL_RETURN_IF_ERROR(CheckCharsmap(
            field.bytes.bytes,
            absl::StrCat(source_, ": byte ", field.bytes.begin, " begins ", charsmap)));
        normalizer.charsmap = field.bytes.bytes;
      } else if (field.number == 3) {
        ABSL_RETURN_IF_ERROR(
            ReadBool(field, member("add_dummy_prefix"), normalizer.add_dummy_prefix));
      } else if (field.number == 4) {
        ABSL_RETURN_IF_ERROR(ReadBool(field, member("remove_extra_whitespaces"),
                                      normalizer.remove_extra_whitespaces));
      } else if (field.number == 5) {
        ABSL_RETURN_IF_ERROR(
            ReadBool(field, member("escape_whitespaces"), normalizer.escape_whitespaces));
      }
    }
    return absl::OkStatus();
  }

  // What pieces say together, and with byte_fallback.
  absl::Status CheckRoles() {
    std::array<bool, 256> bytes_found{};
    for (size_t i = 0; i < pieces_.size(); ++i) {
      const RawPiece& piece = pieces_[i];
      if (piece.type == SentencePieceType::kUnknown) {
        if (model_.unknown_id) {
          return Error(piece.begin, "one piece of type 2 (unknown)",
                       absl::StrCat("pieces ", *model_.unknown_id, " and ", i));
        }
        model_.unknown_id = static_cast<int32_t>(i);
      } else if (piece.type == SentencePieceType::kByte) {
        ABSL_ASSIGN_OR_RETURN(const uint8_t byte, ByteOf(i));
        bytes_found[byte] = true;
      }
    }
    if (!model_.byte_fallback) {
      if (model_.unknown_id) return absl::OkStatus();
      return Error(bytes_.size(), "a piece of type 2 (unknown)", "none");
    }
    for (size_t byte = 0; byte < bytes_found.size(); ++byte) {
      if (bytes_found[byte]) continue;
      return Error(
          bytes_.size(),
          absl::StrFormat("a piece <0x%02X> of type 6 (byte), as byte_fallback wants", byte),
          "none");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<uint8_t> ByteOf(size_t index) const {
    const RawPiece& piece = pieces_[index];
    if (!model_.byte_fallback) {
      return Error(piece.begin, "no byte piece without byte_fallback",
                   absl::StrCat(PieceName(index)));
    }
    const std::string_view text = piece.text.bytes;
    const auto digit = [&](size_t at) {
      return static_cast<int>(std::string_view("0123456789ABCDEF").find(text[at]));
    };
    if (text.size() == 6 && text.starts_with("<0x") && text[5] == '>' && digit(3) >= 0 &&
        digit(4) >= 0) {
      return static_cast<uint8_t>(16 * digit(3) + digit(4));
    }
    return Error(piece.text.begin,
                 absl::StrCat(PieceName(index), ", of type 6, from <0x00> to <0xFF>"),
                 Quoted(text));
  }

  absl::StatusOr<SentencePieceModel> Finish() {
    std::vector<Span> spans;
    spans.reserve(pieces_.size());
    for (const RawPiece& piece : pieces_) {
      spans.push_back(
          {static_cast<uint32_t>(piece.text.begin), static_cast<uint32_t>(piece.text.end())});
      model_.scores.push_back(piece.score);
      // Converters have written a NUL beside <0x00>; the library does not use it either.
      const bool unused = model_.byte_fallback && piece.text.bytes == std::string_view("\0", 1);
      model_.types.push_back(unused ? SentencePieceType::kUnused : piece.type);
    }
    model_.pieces = Vocabulary(std::move(bytes_), std::move(spans));
    if (const auto& duplicate = model_.pieces.duplicate()) {
      const auto [first, second] = *duplicate;
      return Error(
          pieces_[second].text.begin, "pieces that differ",
          absl::StrCat(Quoted(model_.pieces.token(second)), " as pieces ", first, " and ", second));
    }
    return std::move(model_);
  }

  std::string bytes_;
  const std::string& source_;
  SentencePieceModel model_;
  std::vector<RawPiece> pieces_;
};

}  // namespace

absl::StatusOr<SentencePieceModel> ParseSentencePieceModel(std::string bytes,
                                                           const std::string& source) {
  if (bytes.size() > kMaxSentencePieceBytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        source, ": expected at most ", kMaxSentencePieceBytes, " bytes, found ", bytes.size()));
  }
  return SentencePieceReader(std::move(bytes), source).Read();
}

}  // namespace graft
