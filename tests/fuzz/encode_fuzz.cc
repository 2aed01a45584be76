// Any bytes as a text, for small tokenizers of every family: the first byte chooses one. Fast lanes
// give what the general way gives, and what tokenizers promise holds.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/log/absl_check.h"
#include "tests/fuzz/tokenizer_checks.h"
#include "tests/tokenizers/small_families.h"
#include "tokenizers/composed_tokenizer.h"
#include "tokenizers/load_tokenizer.h"
#include "tokenizers/pipeline_encoder.h"

namespace {

graft::TokenizerParts Parse(const std::string& json) {
  auto parts = graft::ParseTokenizerJson(json, "tokenizer.json");
  ABSL_CHECK_OK(parts);
  return *std::move(parts);
}

// A tokenizer, and its parts with an encoder of each way.
struct Subject {
  explicit Subject(const std::string& json)
      : tokenizer(Parse(json)),
        pipeline(Parse(json)),
        fast(graft::MakeTextEncoder(pipeline)),
        general(pipeline, nullptr) {}

  graft::ComposedTokenizer tokenizer;
  graft::Pipeline pipeline;
  std::unique_ptr<graft::TextEncoder> fast;
  graft::PipelineEncoder general;
};

// The families of the tests, and what these do not have: BERT with added tokens of every kind, and
// words that a pattern cuts.
std::vector<std::string> Files() {
  using graft::testing::Json;
  std::vector<std::string> files;
  Json bert = graft::testing::TokenizerJson();
  files.push_back(bert.dump());
  for (const graft::testing::SmallFamily& family : graft::testing::SmallFamilies()) {
    files.push_back(family.json.dump());
    if (std::string_view(family.name) != "WordLevel") continue;
    Json words = family.json;
    words["pre_tokenizer"] = {{"type", "Split"},
                              {"pattern", {{"Regex", R"(\w+|[^\w\s]+)"}}},
                              {"behavior", "Removed"},
                              {"invert", true}};
    files.push_back(words.dump());
  }
  int id = 17;
  for (const auto& [content, flag] :
       {std::pair{"<l>", "lstrip"}, std::pair{"<r>", "rstrip"}, std::pair{"<w>", "single_word"},
        std::pair{"<n>", "normalized"}, std::pair{"<s>", "special"}}) {
    bert["added_tokens"].push_back({{"id", id++}, {"content", content}, {flag, true}});
  }
  bert["normalizer"]["lowercase"] = false;
  files.push_back(bert.dump());
  return files;
}

std::vector<std::unique_ptr<Subject>> Subjects() {
  std::vector<std::unique_ptr<Subject>> subjects;
  for (const std::string& file : Files()) subjects.push_back(std::make_unique<Subject>(file));
  return subjects;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto& subjects = *new auto(Subjects());
  // Longer than the lanes' windows of 4096 bytes, and no longer: many texts find more than long
  // ones.
  constexpr size_t kMostBytes = 4500;
  if (size == 0 || size > kMostBytes) return -1;
  Subject& subject = *subjects[data[0] % subjects.size()];
  // A buffer of its own, so that a read behind its end shows.
  const std::vector<char> bytes(data + 1, data + size);
  const std::string_view text(bytes.data(), bytes.size());
  graft::Encoding fast, general;
  subject.fast->AppendEncoding(text, 0, std::nullopt, fast);
  subject.general.AppendEncoding(text, 0, std::nullopt, general);
  ABSL_CHECK(fast.ids == general.ids);
  ABSL_CHECK(fast.offsets == general.offsets);
  ABSL_CHECK(fast.word_ids == general.word_ids);
  graft::IdWriter ids;
  subject.fast->AppendIds(text, ids);
  ABSL_CHECK(std::move(ids).Take() == general.ids);
  graft::fuzz::CheckEverything(subject.tokenizer, text);
  return 0;
}
