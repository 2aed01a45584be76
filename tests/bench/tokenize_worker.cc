// graft as a contestant of tokenizer_bench.py: texts to token ids.
//
// load {"tokenizer": DIR, "texts": FILE with one text a line, "special_tokens": whether the ids are
//       to have the model's, "threads": n}
// run              all texts in one batch on n threads
// run alone        the same on one thread
// run cold         the same with a tokenizer that has seen no text yet; loading is not timed
// run full         Encode text by text: offsets, words and masks too
// run load         the tokenizer is loaded once more
// run probe        arithmetic in registers, cut into n parts for n threads
// run probe alone  the same on one thread
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "bench/line_protocol.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

using Json = nlohmann::ordered_json;

class TokenizeWorker {
 public:
  absl::StatusOr<Json> Load(const JsonValue& settings) {
    ABSL_ASSIGN_OR_RETURN(const std::string_view folder, settings.GetString("tokenizer"));
    ABSL_ASSIGN_OR_RETURN(const std::string_view path, settings.GetString("texts"));
    ABSL_ASSIGN_OR_RETURN(const int64_t threads, settings.GetInt("threads", 1, 4096));
    ABSL_ASSIGN_OR_RETURN(options_.add_special_tokens, settings.GetBool("special_tokens", true));
    threads_ = static_cast<int>(threads);
    folder_ = folder;
    const double begin = SecondsNow();
    ABSL_ASSIGN_OR_RETURN(tokenizer_, LoadTokenizer(folder_));
    const double seconds = SecondsNow() - begin;
    ABSL_ASSIGN_OR_RETURN(file_, ReadFile(std::string(path), uint64_t{1} << 30));
    texts_ = absl::StrSplit(file_, '\n');
    if (!texts_.empty() && texts_.back().empty()) texts_.pop_back();
    return Json{{"settings", {{"load_seconds", seconds}, {"bytes", file_.size()}}}};
  }

  absl::StatusOr<Json> Run(std::string_view what) {
    if (tokenizer_ == nullptr) return absl::FailedPreconditionError("run before load");
    if (what == "full") return RunFull();
    if (what == "probe") return RunProbe(threads_);
    if (what == "probe alone") return RunProbe(1);
    if (what == "load") return RunLoad();
    if (what == "cold") {
      ABSL_ASSIGN_OR_RETURN(tokenizer_, LoadTokenizer(folder_));
    } else if (!what.empty() && what != "alone") {
      return absl::InvalidArgumentError(absl::StrCat("unknown run '", what, "'"));
    }
    const double begin = SecondsNow();
    EncodedBatch batch = tokenizer_->EncodeBatch(texts_, options_, what == "alone" ? 1 : threads_);
    const double seconds = SecondsNow() - begin;
    batch_ = std::move(batch);
    return Json{{"seconds", seconds}, {"texts", texts_.size()}, {"tokens", batch_.ids.size()}};
  }

  absl::StatusOr<WorkerResult> Result() const {
    return WorkerResult{{static_cast<int64_t>(batch_.ids.size())},
                        {batch_.ids.begin(), batch_.ids.end()}};
  }

 private:
  // Leaves the tokenizer with its warm caches where it is.
  absl::StatusOr<Json> RunLoad() const {
    const double begin = SecondsNow();
    ABSL_ASSIGN_OR_RETURN(const auto loaded, LoadTokenizer(folder_));
    return Json{{"seconds", SecondsNow() - begin}, {"ids", loaded->vocabulary_size()}};
  }

  Json RunFull() const {
    size_t tokens = 0;
    const double begin = SecondsNow();
    for (const std::string_view text : texts_) tokens += tokenizer_->Encode(text, options_).size();
    return Json{{"seconds", SecondsNow() - begin}, {"texts", texts_.size()}, {"tokens", tokens}};
  }

  // What threads gain at this moment for work that shares nothing.
  static Json RunProbe(int threads) {
    constexpr uint64_t kSteps = 40'000'000;  // some 40 ms
    std::vector<uint64_t> sums(static_cast<size_t>(threads));
    const double begin = SecondsNow();
    {
      std::vector<std::jthread> helpers;
      for (uint64_t& sum : sums) {
        helpers.emplace_back([&sum, steps = kSteps / static_cast<uint64_t>(threads)] {
          uint64_t x = 88172645463325252;
          for (uint64_t i = 0; i < steps; ++i) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
          }
          sum = x;
        });
      }
    }
    const double seconds = SecondsNow() - begin;
    uint64_t all = 0;
    for (const uint64_t sum : sums) all ^= sum;
    return Json{{"seconds", seconds}, {"sum", all % 1000}};
  }

  std::string folder_;
  EncodeOptions options_;
  int threads_ = 1;
  std::unique_ptr<const Tokenizer> tokenizer_;
  std::string file_;
  std::vector<std::string_view> texts_;  // lines of file_
  EncodedBatch batch_;
};

}  // namespace
}  // namespace graft

int main() {
  graft::TokenizeWorker worker;
  return graft::ServeRequests(
      {.load = [&](const graft::JsonValue& settings) { return worker.Load(settings); },
       .run = [&](std::string_view what) { return worker.Run(what); },
       .result = [&] { return worker.Result(); }});
}
