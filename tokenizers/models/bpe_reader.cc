// ReadBpe, LoadBpe, LoadVocabJson.
#include <algorithm>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/utf8.h"
#include "tokenizers/files/vocabulary_file.h"
#include "tokenizers/models/model_reader.h"

namespace graft {
namespace {

constexpr std::string_view kVersionLine = "#version";

// Adds merges to a table; what is wrong with one is told without its place.
class MergeAdder {
 public:
  MergeAdder(const Vocabulary& vocabulary, std::string_view prefix, size_t merges)
      : vocabulary_(vocabulary), prefix_(prefix), table_(merges) {}

  // Empty when all is well, else what was expected and found.
  std::string Add(std::string_view left, std::string_view right) {
    const int32_t left_id = Find(left);
    const int32_t right_id = Find(right);
    if (left_id < 0 || right_id < 0) {
      return absl::StrCat("expected two tokens of the vocabulary, found ",
                          Quoted(left_id < 0 ? left : right));
    }
    if (!right.starts_with(prefix_)) {
      return absl::StrCat("expected a second token that begins with ", Quoted(prefix_), ", found ",
                          Quoted(right));
    }
    right.remove_prefix(prefix_.size());
    const auto hash = Vocabulary::Extend(Vocabulary::Extend(Vocabulary::kEmptyHash, left), right);
    const int32_t merged = vocabulary_.Find(hash, left, right);
    if (merged < 0) {
      return absl::StrCat("expected tokens that make up a token of the vocabulary, found ",
                          Quoted(left), " and ", Quoted(right));
    }
    if (!table_.Add(left_id, right_id, merged)) {
      return absl::StrCat("expected a new merge, found ", Quoted(left), " and ", Quoted(right),
                          " again");
    }
    return "";
  }

  // A merge as one string, the tokens with a space between.
  std::string AddJoined(std::string_view merge) {
    const size_t space = merge.find(' ');
    if (space == merge.npos || merge.find(' ', space + 1) != merge.npos) {
      return absl::StrCat("expected two tokens and a space, found ", Quoted(merge));
    }
    return Add(merge.substr(0, space), merge.substr(space + 1));
  }

  MergeTable Take() && { return std::move(table_); }

 private:
  int32_t Find(std::string_view token) const { return vocabulary_.Find(token).value_or(-1); }

  const Vocabulary& vocabulary_;
  std::string_view prefix_;
  MergeTable table_;
};

// Element `i` of `merges`: "a b" or ["a", "b"].
std::string AddElement(const simdjson::dom::element& element, MergeAdder& adder) {
  std::string_view merge;
  if (element.get_string().get(merge) == simdjson::SUCCESS) {
    return merge.starts_with(kVersionLine) ? "" : adder.AddJoined(merge);
  }
  simdjson::dom::array pair;
  std::string_view tokens[2];
  if (element.get_array().get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
      pair.at(0).get_string().get(tokens[0]) != simdjson::SUCCESS ||
      pair.at(1).get_string().get(tokens[1]) != simdjson::SUCCESS) {
    return "expected a string or a pair of strings, found something else";
  }
  return adder.Add(tokens[0], tokens[1]);
}

absl::StatusOr<MergeTable> ReadMerges(const JsonValue& model, const Vocabulary& vocabulary,
                                      std::string_view prefix) {
  ABSL_ASSIGN_OR_RETURN(const JsonValue list, model.Get("merges"));
  simdjson::dom::array merges;
  if (list.raw().get_array().get(merges) != simdjson::SUCCESS) {
    return list.Error(absl::StrCat("expected an array, found ", list.Describe()));
  }
  // array::size() stops counting at 2^24 - 1.
  if (merges.size() > kMaxMerges) {
    return list.Error(
        absl::StrCat("expected at most ", kMaxMerges, " merges, found ", merges.size()));
  }
  MergeAdder adder(vocabulary, prefix, merges.size());
  size_t i = 0;
  for (const simdjson::dom::element element : merges) {
    const std::string fault = AddElement(element, adder);
    if (!fault.empty()) return list.Error(absl::StrCat("[", i, "]: ", fault));
    ++i;
  }
  return std::move(adder).Take();
}

absl::StatusOr<std::optional<int32_t>> ReadUnknown(const JsonValue& model,
                                                   const Vocabulary& vocabulary) {
  const auto token = model.Find("unk_token");
  if (!token) return std::nullopt;
  ABSL_ASSIGN_OR_RETURN(const std::string_view name, token->AsString());
  if (name.empty()) return std::nullopt;
  if (const auto id = vocabulary.Find(name)) return id;
  return token->Error(absl::StrCat("expected a token of the vocabulary, found ", Quoted(name)));
}

absl::Status CheckDropout(const JsonValue& model) {
  const auto dropout = model.Find("dropout");
  if (!dropout) return absl::OkStatus();
  ABSL_ASSIGN_OR_RETURN(const double share, dropout->AsDouble(0, 1));
  if (share == 0) return absl::OkStatus();
  return dropout->Error(absl::StrCat(
      "expected null or 0 (merges left out by chance have no fixed result), found ", share));
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Bpe>> ReadBpe(const JsonValue& model, Vocabulary vocabulary) {
  Bpe::Options options;
  ABSL_RETURN_IF_ERROR(CheckDropout(model));
  ABSL_ASSIGN_OR_RETURN(options.unknown_id, ReadUnknown(model, vocabulary));
  ABSL_ASSIGN_OR_RETURN(options.continuing_subword_prefix,
                        model.GetString("continuing_subword_prefix", ""));
  ABSL_ASSIGN_OR_RETURN(options.end_of_word_suffix, model.GetString("end_of_word_suffix", ""));
  ABSL_ASSIGN_OR_RETURN(options.fuse_unknown, model.GetBool("fuse_unk", false));
  ABSL_ASSIGN_OR_RETURN(options.byte_fallback, model.GetBool("byte_fallback", false));
  ABSL_ASSIGN_OR_RETURN(options.ignore_merges, model.GetBool("ignore_merges", false));
  ABSL_ASSIGN_OR_RETURN(MergeTable merges,
                        ReadMerges(model, vocabulary, options.continuing_subword_prefix));
  return std::make_unique<const Bpe>(std::move(vocabulary), std::move(merges), std::move(options));
}

absl::StatusOr<Vocabulary> LoadVocabJson(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxVocabularyFileBytes));
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos || text[begin] != '{') {
    return absl::DataLossError(absl::StrCat(
        path, ": byte ", std::min(begin, text.size()), ": expected a JSON object, found ",
        begin == text.npos ? "the end of the file" : Quoted(text.substr(begin, 1))));
  }
  VocabularyObject object{begin, begin, ""};
  const std::string tail = text.substr(text.rfind('}') + 1);
  const size_t size = text.size();
  ABSL_ASSIGN_OR_RETURN(Vocabulary vocabulary,
                        ParseVocabularyObject(std::move(text), path, object));
  if (size - object.end != tail.size() || tail.find_first_not_of(" \t\r\n") != tail.npos) {
    return absl::DataLossError(
        absl::StrCat(path, ": byte ", object.end,
                     ": expected the end of the file, found more behind the object"));
  }
  return vocabulary;
}

absl::StatusOr<std::unique_ptr<const Bpe>> LoadBpe(const std::string& merges_path,
                                                   Vocabulary vocabulary, Bpe::Options options) {
  ABSL_ASSIGN_OR_RETURN(const std::string text, ReadFile(merges_path, kMaxVocabularyFileBytes));
  const auto error = [&](std::string_view place, std::string_view fault) {
    return absl::DataLossError(absl::StrCat(merges_path, ":", place, " ", fault));
  };
  if (const auto at = FindInvalidUtf8(text)) {
    return error(absl::StrCat(" byte ", *at, ":"), "expected UTF-8, found an ill-formed sequence");
  }
  const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  if (lines > kMaxMerges) {
    return error("", absl::StrCat("expected at most ", kMaxMerges, " lines, found ", lines));
  }
  MergeAdder adder(vocabulary, options.continuing_subword_prefix, lines);
  std::string_view rest = text;
  for (size_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(kVersionLine)) continue;
    const std::string fault = adder.AddJoined(line);
    if (!fault.empty()) return error(absl::StrCat(number, ":"), fault);
  }
  MergeTable merges = std::move(adder).Take();
  return std::make_unique<const Bpe>(std::move(vocabulary), std::move(merges), std::move(options));
}

}  // namespace graft
