// graft tokenize: lines of text to tokens, and back.
#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "nlohmann/json.hpp"
#include "tasks/model_folder.h"
#include "tasks/word_model_folder.h"
#include "tools/compute.h"
#include "tools/json_text.h"
#include "tools/line_blocks.h"
#include "tools/line_texts.h"
#include "tools/token_records.h"
#include "tools/verbs.h"
#include "tools/word_lines.h"

namespace graft::tools {
namespace {

// Text of a block per thread: some milliseconds of work.
constexpr size_t kBytesPerThread = size_t{1} << 19;
constexpr int64_t kMostTokens = 1'000'000'000;

struct Options {
  std::string model;
  std::vector<std::string> files;
  bool pieces = false, json = false, decode = false, skip_special_tokens = false;
  bool pair = false, words = false, no_special_tokens = false;
  std::optional<int64_t> max_length, stride;
  Truncation truncation = Truncation::kLongestFirst;
  TruncationSide truncation_side = TruncationSide::kRight;
  OffsetUnit offsets = OffsetUnit::kBytes;
  InvalidUtf8 invalid_utf8 = InvalidUtf8::kRefuse;
  int threads = 0;
};

void Declare(Options& o, OptionList& list) {
  list.Text("--model", &o.model, "DIR",
            "a folder with the files of a tokenizer, or a classifier over word vectors, which has "
            "words in place of tokens and ids",
            Need::kRequired);
  list.Arguments("[FILE...]", &o.files,
                 "texts, a line each, plain or gzip; - and no file are standard input");
  list.Flag("--pieces", &o.pieces, "write tokens in place of ids");
  list.Flag("--json", &o.json,
            "JSON lines with ids, tokens, offsets, word_ids, type_ids, special_tokens_mask, "
            "cut_off; with --decode, text");
  list.Flag("--pair", &o.pair, "a line is two texts with a tab between them");
  list.Flag("--words", &o.words, "a line is words that are already split, at spaces and tabs");
  list.Flag("--no-special-tokens", &o.no_special_tokens,
            "without the special tokens around a text");
  list.Integer("--max-length", &o.max_length, 1, kMostTokens,
               "most tokens of a text or pair, special tokens counted; without it, no limit");
  list.Choice<Truncation>("--truncation", &o.truncation,
                          {{"longest_first", Truncation::kLongestFirst},
                           {"only_first", Truncation::kOnlyFirst},
                           {"only_second", Truncation::kOnlySecond}},
                          "which text of a pair is cut");
  list.Choice<TruncationSide>("--truncation-side", &o.truncation_side,
                              {{"right", TruncationSide::kRight}, {"left", TruncationSide::kLeft}},
                              "which end is cut off");
  list.Integer("--stride", &o.stride, 0, kMostTokens,
               "write what is cut off as more records, each with N tokens of the one before");
  list.Choice<OffsetUnit>("--offsets", &o.offsets,
                          {{"bytes", OffsetUnit::kBytes},
                           {"chars", OffsetUnit::kCodePoints},
                           {"utf16", OffsetUnit::kUtf16}},
                          "what offsets of --json count: bytes, code points, UTF-16 units");
  list.Flag("--decode", &o.decode, "the other way: lines of ids to texts");
  list.Flag("--skip-special-tokens", &o.skip_special_tokens, "leave them out of decoded texts");
  list.InvalidUtf8Policy(&o.invalid_utf8);
  list.Threads(&o.threads);
}

absl::Status Mistake(std::string_view option, std::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", message));
}

absl::Status CheckDecode(const Options& o) {
  const std::pair<std::string_view, bool> encoding[] = {
      {"--pieces", o.pieces},
      {"--pair", o.pair},
      {"--words", o.words},
      {"--no-special-tokens", o.no_special_tokens},
      {"--max-length", o.max_length.has_value()}};
  for (const auto& [name, given] : encoding) {
    if (given) return Mistake(name, "does not go with --decode");
  }
  return absl::OkStatus();
}

// What the command line alone shows.
absl::Status Check(const Options& o) {
  if (o.decode) ABSL_RETURN_IF_ERROR(CheckDecode(o));
  if (o.skip_special_tokens && !o.decode) return Mistake("--skip-special-tokens", "needs --decode");
  if (o.pieces && o.json) return Mistake("--pieces", "does not go with --json, which has them");
  if (o.pair && o.words) return Mistake("--pair", "does not go with --words");
  if (o.offsets != OffsetUnit::kBytes && (!o.json || o.decode)) {
    return Mistake("--offsets", "needs --json, which has offsets");
  }
  if (o.truncation == Truncation::kOnlySecond && !o.pair) {
    return Mistake("--truncation", "only_second needs --pair");
  }
  if (!o.max_length) {
    if (o.stride) return Mistake("--stride", "needs --max-length");
    if (o.truncation != Truncation::kLongestFirst) {
      return Mistake("--truncation", "needs --max-length");
    }
    if (o.truncation_side != TruncationSide::kRight) {
      return Mistake("--truncation-side", "needs --max-length");
    }
  }
  if (o.stride && *o.stride >= *o.max_length) {
    return Mistake("--stride", absl::StrCat("expected less than the ", *o.max_length,
                                            " tokens of --max-length, found ", *o.stride));
  }
  if (std::count(o.files.begin(), o.files.end(), "-") > 1) {
    return Mistake("-", "expected standard input once, found twice");
  }
  return absl::OkStatus();
}

// What became of some lines.
struct Written {
  std::string text;
  absl::Status status;  // of the line behind those in `text`
  int64_t cut_texts = 0;
  int64_t cut_tokens = 0;

  void CountCut(size_t cut_off) {
    cut_texts += cut_off > 0;
    cut_tokens += static_cast<int64_t>(cut_off);
  }
};

// Turns lines into records, on any thread.
class LineWriter {
 public:
  LineWriter(const Options& o, const Tokenizer& tokenizer) : o_(o), tokenizer_(tokenizer) {
    form_ = o.pair ? LineForm::kPair : o.words ? LineForm::kWords : LineForm::kText;
    options_.add_special_tokens = !o.no_special_tokens;
    options_.max_length = static_cast<size_t>(o.max_length.value_or(0));
    options_.truncation = o.truncation;
    options_.truncation_side = o.truncation_side;
    options_.overflowing = o.stride.has_value();
    options_.stride = static_cast<size_t>(o.stride.value_or(0));
  }

  // Lines [begin, end) of the block.
  Written Write(const LineBlock& block, size_t begin, size_t end) const {
    Written out;
    if (!o_.decode && !o_.json && form_ == LineForm::kText && !o_.stride) {
      WriteBatch(block, begin, end, out);
      return out;
    }
    for (size_t i = begin; i < end && out.status.ok(); ++i) {
      const absl::Status status = o_.decode ? Decode(block[i], out) : Encode(block[i], out);
      if (!status.ok()) {
        out.status =
            absl::Status(status.code(), absl::StrCat(block.Place(i), ": ", status.message()));
      }
    }
    return out;
  }

 private:
  void WritePlain(absl::Span<const int32_t> ids, Written& out) const {
    if (o_.pieces) {
      AppendPiecesLine(tokenizer_, ids, out.text);
    } else {
      AppendIdsLine(ids, out.text);
    }
  }

  void WriteBatch(const LineBlock& block, size_t begin, size_t end, Written& out) const {
    std::vector<std::string_view> texts;
    texts.reserve(end - begin);
    for (size_t i = begin; i < end; ++i) texts.push_back(block[i]);
    const EncodedBatch batch = tokenizer_.EncodeBatch(texts, options_, /*threads=*/1);
    const absl::Span<const int32_t> ids = batch.ids;
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto first = static_cast<size_t>(batch.starts[i]);
      WritePlain(ids.subspan(first, static_cast<size_t>(batch.starts[i + 1]) - first), out);
      out.CountCut(batch.cut_off[i]);
    }
  }

  void WriteRecord(const Encoding& encoding, size_t window, Written& out) const {
    if (!o_.json) return WritePlain(encoding.ids, out);
    JsonRecordOptions options{.pair = o_.pair};
    if (o_.stride) options.window = window;
    AppendJsonLine(tokenizer_, encoding, options, out.text);
  }

  absl::Status Encode(std::string_view line, Written& out) const {
    ABSL_ASSIGN_OR_RETURN(const std::vector<std::string_view> texts, SplitLine(line, form_));
    const Encoding encoding = EncodeTexts(tokenizer_, form_, texts, options_, o_.offsets);
    WriteRecord(encoding, 0, out);
    for (size_t i = 0; i < encoding.overflowing.size(); ++i) {
      WriteRecord(encoding.overflowing[i], i + 1, out);
    }
    if (!o_.stride) out.CountCut(encoding.cut_off);
    return absl::OkStatus();
  }

  absl::Status Decode(std::string_view line, Written& out) const {
    std::vector<int32_t> ids;
    for (const std::string_view number :
         absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty())) {
      const absl::StatusOr<int64_t> id =
          ParseInteger(number, 0, static_cast<int64_t>(tokenizer_.vocabulary_size()) - 1);
      if (!id.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat("id ", ids.size() + 1, ": ", id.status().message()));
      }
      ids.push_back(static_cast<int32_t>(*id));
    }
    const std::string text = tokenizer_.Decode(ids, o_.skip_special_tokens);
    if (o_.json) {
      absl::StrAppend(&out.text, JsonText(nlohmann::ordered_json{{"text", text}}), "\n");
    } else {
      absl::StrAppend(&out.text, absl::StrReplaceAll(text, {{"\n", "\\n"}, {"\r", "\\r"}}), "\n");
    }
    return absl::OkStatus();
  }

  const Options& o_;
  const Tokenizer& tokenizer_;
  LineForm form_ = LineForm::kText;
  EncodeOptions options_;
};

// Turns lines [begin, end) of a block into records; thread-safe.
using WriteLines = std::function<Written(const LineBlock& block, size_t begin, size_t end)>;

// The records of a block, each thread with about as many lines.
std::vector<Written> WriteBlock(const WriteLines& write_lines, const LineBlock& block,
                                int threads) {
  const size_t parts = std::min(static_cast<size_t>(threads), block.size());
  std::vector<Written> written(parts);
  std::vector<std::exception_ptr> failures(parts);  // want of memory
  const auto write = [&](size_t part) {
    try {
      written[part] =
          write_lines(block, block.size() * part / parts, block.size() * (part + 1) / parts);
    } catch (...) {
      failures[part] = std::current_exception();
    }
  };
  std::vector<std::jthread> helpers;
  for (size_t part = 1; part < parts; ++part) helpers.emplace_back(write, part);
  write(0);
  helpers.clear();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return written;
}

absl::StatusOr<int> WriteAll(const Options& o, int threads, const WriteLines& write_lines) {
  LineBlocks blocks(o.files.empty() ? std::vector<std::string>{"-"} : o.files,
                    {.invalid_utf8 = o.invalid_utf8},
                    kBytesPerThread * static_cast<size_t>(threads));
  LineBlock block;
  Written all;
  while (true) {
    ABSL_ASSIGN_OR_RETURN(const bool more, blocks.Next(block));
    if (!more) break;
    for (const Written& part : WriteBlock(write_lines, block, threads)) {
      std::cout << part.text;
      ABSL_RETURN_IF_ERROR(part.status);
      all.cut_texts += part.cut_texts;
      all.cut_tokens += part.cut_tokens;
    }
    if (!std::cout.flush()) return absl::InternalError("standard output: cannot write");
  }
  if (all.cut_texts > 0) {
    std::cerr << "graft: " << all.cut_texts << " texts were longer than " << *o.max_length
              << " tokens; " << all.cut_tokens << " tokens were cut off\n";
  }
  return kExitOk;
}

// A window must have room for more than the tokens of the one before.
absl::Status CheckStride(const Options& o, const Tokenizer& tokenizer) {
  if (!o.stride) return absl::OkStatus();
  const EncodeOptions alone{.add_special_tokens = !o.no_special_tokens};
  const size_t special =
      (o.pair ? tokenizer.EncodePair("", "", alone) : tokenizer.Encode("", alone)).size();
  const int64_t room = *o.max_length - static_cast<int64_t>(special);
  if (*o.stride < room) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--stride: expected less than the ", std::max<int64_t>(room, 0), " tokens that --max-length ",
      *o.max_length, " leaves beside ", special, " special tokens, found ", *o.stride));
}

// A model over word vectors has words and no ids: nothing to decode, nothing between two texts.
absl::Status CheckForWords(const Options& o) {
  const std::pair<std::string_view, bool> of_ids[] = {
      {"--decode", o.decode},
      {"--pair", o.pair},
      {"--words", o.words},
      {"--stride", o.stride.has_value()},
      {"--truncation", o.truncation != Truncation::kLongestFirst},
      {"--truncation-side", o.truncation_side != TruncationSide::kRight}};
  for (const auto& [name, given] : of_ids) {
    if (!given) continue;
    return Mistake(
        name, absl::StrCat("expected a model with token ids, found word vectors in ", o.model));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> TokenizeToWords(const Options& o, int threads) {
  ABSL_RETURN_IF_ERROR(CheckForWords(o));
  ABSL_ASSIGN_OR_RETURN(const LoadedModel model, LoadModel(o.model));
  const WordLineOptions options = {.json = o.json,
                                   .max_length = static_cast<size_t>(o.max_length.value_or(0)),
                                   .offsets = o.offsets};
  return WriteAll(o, threads, [&](const LineBlock& block, size_t begin, size_t end) {
    Written out;
    for (size_t i = begin; i < end; ++i) {
      out.CountCut(AppendWordLine(*model.words, block[i], options, out.text));
    }
    return out;
  });
}

absl::StatusOr<int> Tokenize(const Options& o) {
  ABSL_ASSIGN_OR_RETURN(const int threads, ChooseThreads(o.threads));
  if (IsWordModelFolder(o.model)) return TokenizeToWords(o, threads);
  ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<const Tokenizer> tokenizer, LoadTokenizer(o.model));
  ABSL_RETURN_IF_ERROR(CheckStride(o, *tokenizer));
  const LineWriter writer(o, *tokenizer);
  return WriteAll(o, threads, [&](const LineBlock& block, size_t begin, size_t end) {
    return writer.Write(block, begin, end);
  });
}

}  // namespace

Verb TokenizeVerb() {
  const auto options = std::make_shared<Options>();
  return {.name = "tokenize",
          .summary = "Turn lines of text into token ids, tokens or JSON with offsets, and back",
          .example =
              "graft tokenize --model my-model reviews.txt > ids.txt\n"
              "graft tokenize --model my-model --decode --skip-special-tokens ids.txt\n"
              "graft tokenize --model my-model --json --offsets chars --max-length 128 --stride 32 "
              "< long.txt",
          .declare = [options](OptionList& list) { Declare(*options, list); },
          .check = [options] { return Check(*options); },
          .run = [options] { return Tokenize(*options); }};
}

}  // namespace graft::tools
