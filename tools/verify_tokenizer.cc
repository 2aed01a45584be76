// graft verify tokenizer: tokens against those of another tokenizer.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "nlohmann/json.hpp"
#include "tools/json_text.h"
#include "tools/line_blocks.h"
#include "tools/line_texts.h"
#include "tools/table.h"
#include "tools/token_differences.h"
#include "tools/tokenizer_reference.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

constexpr size_t kBlockBytes = size_t{1} << 20;
// Names of what is compared beside the fields of tokens.
constexpr std::string_view kWindows = "windows", kBatchIds = "batch_ids";

struct Options {
  std::string model, text, reference;
  InvalidUtf8 invalid_utf8 = InvalidUtf8::kRefuse;
  int64_t limit = 10;
  bool json = false;
};

void Declare(Options& o, OptionList& list) {
  list.Text("--model", &o.model, "DIR", "a folder with the files of a tokenizer", Need::kRequired);
  list.Text("--text", &o.text, "FILE", "the text, a line each, plain or gzip", Need::kRequired);
  list.Text("--reference", &o.reference, "FILE.jsonl",
            "what tests/parity/make_tokenizer_reference.py made of the same text", Need::kRequired);
  list.Integer("--limit", &o.limit, 0, 1'000'000, "most different lines that are shown");
  list.Flag("--json", &o.json, "print one JSON object");
  list.InvalidUtf8Policy(&o.invalid_utf8);
}

absl::Status Check(const Options& o) {
  if (o.text != "-" || o.reference != "-") return absl::OkStatus();
  return absl::InvalidArgumentError("--reference: expected a file, found standard input twice");
}

// A line's first difference.
struct LineDifference {
  std::string place;
  TokenDifference difference;
};

class Comparison {
 public:
  Comparison(const Options& o, const Tokenizer& tokenizer, TokenizerReference reference)
      : o_(o), tokenizer_(tokenizer), reference_(std::move(reference)) {
    const ReferenceHeader& header = reference_.header();
    // Batches are of texts and have no windows.
    batches_ = header.form == LineForm::kText && !header.options.overflowing;
    for (const TokenField field : header.fields) {
      counts_.emplace_back(kTokenFieldNames[static_cast<size_t>(field)], 0);
    }
    if (header.options.overflowing) counts_.emplace_back(kWindows, 0);
    if (batches_) counts_.emplace_back(kBatchIds, 0);
  }

  absl::Status Run() {
    LineBlocks blocks({o_.text}, {.invalid_utf8 = o_.invalid_utf8}, kBlockBytes);
    LineBlock block;
    while (true) {
      ABSL_ASSIGN_OR_RETURN(const bool more, blocks.Next(block));
      if (!more) break;
      ABSL_RETURN_IF_ERROR(CompareBlock(block));
    }
    ABSL_ASSIGN_OR_RETURN(const bool more, reference_.Next(record_));
    if (!more) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat(reference_.Place(), ": expected the end, since ",
                                            o_.text, " has ", lines_, " lines, found a record"));
  }

  int64_t lines() const { return lines_; }
  int64_t different() const { return different_; }
  // Lines that differ, by what differs.
  const std::vector<std::pair<std::string_view, int64_t>>& counts() const { return counts_; }
  const std::vector<LineDifference>& shown() const { return shown_; }
  const ReferenceHeader& header() const { return reference_.header(); }

 private:
  absl::Status CompareBlock(const LineBlock& block) {
    EncodedBatch batch;
    if (batches_) {
      std::vector<std::string_view> texts;
      for (size_t i = 0; i < block.size(); ++i) texts.push_back(block[i]);
      batch = tokenizer_.EncodeBatch(texts, header().options, /*threads=*/1);
    }
    for (size_t i = 0; i < block.size(); ++i) {
      ABSL_ASSIGN_OR_RETURN(const bool more, reference_.Next(record_));
      if (!more) {
        return absl::DataLossError(absl::StrCat(o_.reference, ": expected a record for ",
                                                block.Place(i), ", found the end"));
      }
      ABSL_RETURN_IF_ERROR(CompareLine(block[i], block.Place(i)));
      if (batches_) {
        const auto begin = static_cast<size_t>(batch.starts[i]);
        const auto ids = absl::MakeConstSpan(batch.ids).subspan(
            begin, static_cast<size_t>(batch.starts[i + 1]) - begin);
        auto difference = FindIdDifference(kBatchIds, record_[0].encoding.ids, ids, tokenizer_);
        if (difference) differences_.push_back(*std::move(difference));
      }
      Count(block.Place(i));
    }
    return absl::OkStatus();
  }

  absl::Status CompareLine(std::string_view line, const std::string& place) {
    differences_.clear();
    const auto texts = SplitLine(line, header().form);
    if (!texts.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": ", texts.status().message()));
    }
    const Encoding encoding =
        EncodeTexts(tokenizer_, header().form, *texts, header().options, header().offsets);
    const size_t windows = encoding.overflowing.size() + 1;
    for (size_t i = 0; i < std::min(windows, record_.size()); ++i) {
      const Encoding& found = i == 0 ? encoding : encoding.overflowing[i - 1];
      for (TokenDifference& difference :
           FindDifferences(record_[i], found, header().fields, tokenizer_)) {
        difference.window = i;
        differences_.push_back(std::move(difference));
      }
    }
    if (windows == record_.size()) return absl::OkStatus();
    differences_.push_back({.field = kWindows,
                            .expected = absl::StrCat(record_.size()),
                            .found = absl::StrCat(windows)});
    return absl::OkStatus();
  }

  void Count(const std::string& place) {
    ++lines_;
    if (differences_.empty()) return;
    for (auto& [field, count] : counts_) {
      count += std::any_of(differences_.begin(), differences_.end(),
                           [name = field](const auto& d) { return d.field == name; });
    }
    if (different_++ < o_.limit) shown_.push_back({place, differences_[0]});
  }

  const Options& o_;
  const Tokenizer& tokenizer_;
  TokenizerReference reference_;
  bool batches_ = false;
  ReferenceRecord record_;
  std::vector<TokenDifference> differences_;  // of one line
  int64_t lines_ = 0, different_ = 0;
  std::vector<std::pair<std::string_view, int64_t>> counts_;
  std::vector<LineDifference> shown_;
};

void PrintJson(const Options& o, const Tokenizer& tokenizer, const Comparison& comparison) {
  ordered_json fields = ordered_json::object();
  for (const auto& [name, count] : comparison.counts()) fields[std::string(name)] = count;
  ordered_json shown = ordered_json::array();
  for (const auto& [place, d] : comparison.shown()) {
    shown.push_back({{"place", place},
                     {"window", d.window},
                     {"field", d.field},
                     {"token", d.token},
                     {"expected", d.expected},
                     {"found", d.found}});
  }
  const ordered_json json{{"format", "graft verify tokenizer"},
                          {"version", 1},
                          {"model", o.model},
                          {"tokenizer", tokenizer.Describe()},
                          {"tokenizer_files", tokenizer.files()},
                          {"text", o.text},
                          {"reference", o.reference},
                          {"made_with", comparison.header().made_with},
                          {"lines", comparison.lines()},
                          {"different", comparison.different()},
                          {"fields", std::move(fields)},
                          {"differences", std::move(shown)}};
  std::cout << JsonText(json, 2) << '\n';
}

void PrintText(const Tokenizer& tokenizer, const Comparison& comparison) {
  for (const auto& [place, d] : comparison.shown()) {
    std::cout << Printable(place) << ": ";
    if (d.window > 0) std::cout << "window " << d.window << ": ";
    std::cout << d.field;
    if (d.field != kWindows) std::cout << ": token " << d.token;
    std::cout << ": expected " << d.expected << ", found " << d.found << '\n';
  }
  std::cout << "tokenizer: " << Printable(tokenizer.Describe()) << '\n';
  std::cout << WithThousands(comparison.lines()) << " lines, "
            << WithThousands(comparison.different()) << " different";
  std::string separator = " in ";
  for (const auto& [name, count] : comparison.counts()) {
    std::cout << std::exchange(separator, ", ") << name << ' ' << WithThousands(count);
  }
  std::cout << '\n';
}

absl::StatusOr<int> Verify(const Options& o) {
  ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<const Tokenizer> tokenizer, LoadTokenizer(o.model));
  ABSL_ASSIGN_OR_RETURN(TokenizerReference reference, TokenizerReference::Open(o.reference));
  Comparison comparison(o, *tokenizer, std::move(reference));
  ABSL_RETURN_IF_ERROR(comparison.Run());
  if (o.json) {
    PrintJson(o, *tokenizer, comparison);
  } else {
    PrintText(*tokenizer, comparison);
  }
  if (!std::cout.flush()) return absl::InternalError("standard output: cannot write");
  if (comparison.different() == 0) return kExitOk;
  return absl::FailedPreconditionError(
      absl::StrCat(o.text, ": expected the tokens of ", o.reference, ", found others in ",
                   comparison.different(), " of ", comparison.lines(), " lines"));
}

}  // namespace

Verb VerifyTokenizerVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "verify tokenizer",
          .summary = "Compare tokens with those that another tokenizer made of the same text",
          .example =
              "python3 tests/parity/make_tokenizer_reference.py --model my-model --text lines.txt "
              "--out lines.jsonl\n"
              "graft verify tokenizer --model my-model --text lines.txt --reference lines.jsonl",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = [options] { return Check(*options); },
          .run = [options] { return Verify(*options); }};
}

}  // namespace graft::tools
