// fastText's .bin: what must load and what must be refused. Numbers are compared with the package
// in tests/parity/vectors_parity.py.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "embeddings/search.h"
#include "tests/embeddings/load_test.h"

namespace graft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The parts of a small model; a test changes one.
struct Parts {
  int32_t magic = 793712314, version = 12, width = 2;
  int32_t loss = 2, model = 2, buckets = 5, min_length = 2, max_length = 3;
  int32_t size = 2, words = 2, labels = 0;
  int64_t pruned_size = -1;
  std::vector<std::pair<std::string, int8_t>> entries = {{"ab", 0}, {"c\xFF", 0}};
  int64_t count = 7;
  std::vector<int32_t> pruned;
  int64_t input_rows = 7, input_width = 2, output_rows = 2;
  bool quantized = false;
  uint8_t has_norms = 0;
  int32_t code_size = 4, quantizer_width = 2;
  std::string tail;
};

std::string Floats(int64_t count) {
  std::vector<float> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 1.0f);
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

// Where parts begin.
struct Model {
  std::string bytes;
  size_t dictionary, input;
};

Model Make(const Parts& p) {
  Model model;
  std::string& bytes = model.bytes;
  bytes = Bytes<int32_t>({p.magic, p.version, p.width, 5, 5, 1, 5, 1, p.loss, p.model, p.buckets,
                          p.min_length, p.max_length, 100}) +
          Bytes<double>({1e-4});
  model.dictionary = bytes.size();
  bytes += Bytes<int32_t>({p.size, p.words, p.labels}) + Bytes<int64_t>({14, p.pruned_size});
  for (const auto& [word, type] : p.entries) {
    bytes += word + '\0' + Bytes<int64_t>({p.count}) + Bytes<int8_t>({type});
  }
  for (const int32_t number : p.pruned) bytes += Bytes<int32_t>({number});
  model.input = bytes.size();
  bytes += Bytes<uint8_t>({static_cast<uint8_t>(p.quantized)});
  if (p.quantized) {
    bytes += Bytes<uint8_t>({p.has_norms}) + Bytes<int64_t>({p.input_rows, p.input_width}) +
             Bytes<int32_t>({p.code_size});
    for (int32_t i = 0; i < p.code_size; ++i) bytes += static_cast<char>(i);
    bytes += Bytes<int32_t>({p.quantizer_width, 1, 2, 2}) + Floats(512);
  } else {
    bytes += Bytes<int64_t>({p.input_rows, p.input_width}) + Floats(p.input_rows * p.input_width);
  }
  bytes += Bytes<uint8_t>({0}) + Bytes<int64_t>({p.output_rows, 2}) + Floats(p.output_rows * 2);
  bytes += p.tail;
  return model;
}

// A thousand unknown words do no harm, nor does what is done with their vectors.
void LookUpMany(const WordVectors& vectors) {
  std::vector<float> out(static_cast<size_t>(vectors.width()));
  bool sound = true;
  for (int i = 0; i < 1000; ++i) {
    vectors.Vector(absl::StrCat("unknown", i * 7919, i % 3 == 0 ? "\xC3" : "\xE8\xAA\x9E"),
                   absl::MakeSpan(out));
    sound &= std::all_of(out.begin(), out.end(), [](float value) { return std::isfinite(value); });
  }
  for (const Neighbor& neighbor : VectorSearch(vectors, {}).Nearest(out, 3)) {
    sound &= std::isfinite(neighbor.score);
  }
  EXPECT_TRUE(sound);
  vectors.Vector("", absl::MakeSpan(out));
}

TEST(FastTextTest, RowsAreMeansOfTheWordAndItsNGrams) {
  const auto loaded = LoadBytes(Make({}).bytes);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->report.format, VectorFormat::kFastText);
  EXPECT_EQ(loaded->report.broken_utf8, 1);
  EXPECT_THAT(loaded->report.description, HasSubstr("skip-gram"));
  const SubWords* const sub_words = loaded->vectors.sub_words();
  ASSERT_NE(sub_words, nullptr);
  double sum = 1;
  const std::vector<int64_t> ngrams = sub_words->RowsOf("ab");
  EXPECT_EQ(ngrams.size(), 5u) << "<a <ab ab ab> b>";
  for (const int64_t row : ngrams) sum += static_cast<double>(5 + 2 * row);
  EXPECT_NEAR(RowOf(loaded->vectors, "ab")[0], sum / 6, 1e-5);
  LookUpMany(loaded->vectors);
}

TEST(FastTextTest, SupervisedModelsSayWhatTheyAre) {
  Parts parts;
  parts.model = 3;
  parts.loss = 3;
  parts.size = 3;
  parts.labels = 1;
  parts.entries.push_back({"__label__x", 1});
  parts.output_rows = 1;
  const auto loaded = LoadBytes(Make(parts).bytes);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->vectors.size(), 2);
  EXPECT_THAT(loaded->report.description, HasSubstr("supervised, softmax, version 12, 1 labels"));
  parts.version = 11;
  const auto old = LoadBytes(Make(parts).bytes);
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ(old->vectors.sub_words(), nullptr) << "version 11 had none";
}

TEST(FastTextTest, QuantizedAndPrunedModels) {
  Parts parts;
  parts.quantized = true;
  parts.input_rows = 4;
  parts.pruned_size = 2;
  parts.pruned = {0, 0, 3, 1};
  const auto loaded = LoadBytes(Make(parts).bytes);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->report.description, HasSubstr("quantized, pruned to 2 n-grams"));
  LookUpMany(loaded->vectors);
}

void ExpectRefused(const std::string& bytes, const std::string& words) {
  LoadOptions options;
  options.format = VectorFormat::kFastText;
  const auto loaded = LoadBytes(bytes, options);
  ASSERT_FALSE(loaded.ok()) << words;
  const std::string message(loaded.status().message());
  EXPECT_THAT(message, HasSubstr("vectors: byte "));
  EXPECT_THAT(message, HasSubstr("expected "));
  EXPECT_THAT(message, HasSubstr(words));
}

void ExpectRefused(const std::function<void(Parts&)>& change, const std::string& words) {
  Parts parts;
  change(parts);
  ExpectRefused(Make(parts).bytes, words);
}

TEST(FastTextTest, Refused) {
  const Model sound = Make({});
  ExpectRefused("", "magic number");
  ExpectRefused(sound.bytes.substr(0, 30), "wordNgrams");
  ExpectRefused([](Parts& p) { p.magic = 0x2F4F16BB; }, "magic number");
  ExpectRefused([](Parts& p) { p.version = 99; }, "version");
  ExpectRefused([](Parts& p) { p.width = 0; }, "dim");
  ExpectRefused([](Parts& p) { p.width = INT32_MAX; }, "dim");
  ExpectRefused([](Parts& p) { p.buckets = INT32_MAX; }, "input matrix");
  ExpectRefused([](Parts& p) { p.buckets = -1; }, "bucket");
  ExpectRefused([](Parts& p) { p.min_length = 4; }, "at least minn");
  ExpectRefused([](Parts& p) { p.words = -1; }, "nwords");
  ExpectRefused([](Parts& p) { p.size = 3; }, "nwords and nlabels together");
  ExpectRefused([](Parts& p) { p.size = p.words = INT32_MAX; }, "entries that fit");
  ExpectRefused(sound.bytes.substr(0, sound.dictionary + 30), "entries that fit in 2 bytes");
  Parts long_word;
  long_word.entries[1].first = std::string(50, 'x');
  ExpectRefused(Make(long_word).bytes.substr(0, sound.dictionary + 70), "end of the word");
  ExpectRefused([](Parts& p) { p.entries[0].second = 7; }, "type of entry");
  ExpectRefused([](Parts& p) { p.entries[0].second = 1; }, "type of entry");
  ExpectRefused([](Parts& p) { p.count = -1; }, "count");
  ExpectRefused([](Parts& p) { p.pruned_size = -2; }, "pruneidx_size");
  ExpectRefused([](Parts& p) { p.pruned_size = INT32_MAX; }, "pruneidx_size");
  ExpectRefused(
      [](Parts& p) {
        p.quantized = true;
        p.input_rows = 4;
        p.pruned_size = 2;
        p.pruned = {0, 0, 3, 2};
      },
      "pruned row");
  // Row 1 would be beyond the matrix.
  ExpectRefused(
      [](Parts& p) {
        p.quantized = true;
        p.input_rows = p.code_size = 3;
        p.pruned_size = 2;
        p.pruned = {0, 1, 0, 1};
      },
      "each bucket once");
  ExpectRefused(
      [](Parts& p) {
        p.pruned_size = 2;
        p.pruned = {0, 0, 3, 1};
        p.input_rows = 4;
      },
      "a quantized matrix");
  ExpectRefused([](Parts& p) { p.input_rows = 8; }, "7 rows of 2");
  ExpectRefused([](Parts& p) { p.output_rows = 3; }, "output matrix");
  ExpectRefused([](Parts& p) { p.tail = "x"; }, "the end of the file");
  ExpectRefused([](Parts& p) { p.entries[0].first = std::string(2'000'000, 'x'); }, "at most");
  std::string large = sound.bytes;
  const int64_t rows = int64_t{1} << 31;
  std::memcpy(large.data() + sound.input + 1, &rows, 8);
  ExpectRefused(large, "before the end of the file");
  ExpectRefused(
      [](Parts& p) {
        p.quantized = true;
        p.code_size = 6;
      },
      "codesize");
  ExpectRefused(
      [](Parts& p) {
        p.quantized = true;
        p.code_size = 7;
        p.quantizer_width = 3;
      },
      "dim of the quantizer");
  ExpectRefused(
      [](Parts& p) {
        p.quantized = true;
        p.code_size = 7;
        p.has_norms = 1;
      },
      "dim of the quantizer");
}

// Every cut is refused; every flipped bit and every number replaced is refused or does no harm.
TEST(FastTextTest, DamageIsRefusedOrDoesNoHarm) {
  Parts quantized;
  quantized.quantized = true;
  quantized.input_rows = 4;
  quantized.pruned_size = 2;
  quantized.pruned = {0, 0, 3, 1};
  for (const Parts& parts : {Parts(), quantized}) {
    const std::string sound = Make(parts).bytes;
    const auto load = [&](const std::string& bytes) {
      const auto loaded = LoadFromMemory(bytes);
      if (loaded.ok()) LookUpMany(loaded->vectors);
      return loaded.ok();
    };
    for (size_t size = 0; size < sound.size(); size += size < 300 ? 1 : 61) {
      EXPECT_FALSE(load(sound.substr(0, size))) << size;
    }
    for (size_t bit = 0; bit < 8 * std::min<size_t>(sound.size(), 220); ++bit) {
      std::string flipped = sound;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      load(flipped);
    }
    for (size_t at = 0; at + 8 <= std::min<size_t>(sound.size(), 220); at += 4) {
      for (const uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{0x7FFFFFFF},
                                   uint64_t{0x80000000}, uint64_t{0xFFFFFFFF}, UINT64_MAX}) {
        for (const size_t width : {4, 8}) {
          std::string changed = sound;
          std::memcpy(changed.data() + at, &value, width);
          load(changed);
        }
      }
    }
  }
}

}  // namespace
}  // namespace graft
