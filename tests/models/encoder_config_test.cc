// What config.json files say, and what they may not be: each with the one line that names its file
// and the place in it.
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/families/families.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::StatusIs;
using testing::TemporaryFolder;

constexpr std::string_view kWhole =
    R"({"architectures": ["BertModel"], "model_type": "bert", "hidden_size": 768, )"
    R"("num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, )"
    R"("max_position_embeddings": 512, "type_vocab_size": 2, "vocab_size": 30522, )"
    R"("layer_norm_eps": 1e-12, "hidden_act": "gelu"})";

std::string FamilyNames() {
  return absl::StrJoin(EncoderFamilies(), ", ", [](std::string* out, const EncoderFamily& family) {
    absl::StrAppend(out, family.model_type);
  });
}

class EncoderConfigTest : public ::testing::Test {
 protected:
  absl::StatusOr<EncoderConfig> Load(std::string_view text, std::string_view name = "config.json") {
    ABSL_ASSIGN_OR_RETURN(const FamilyArchitecture read,
                          ReadArchitecture(folder_.Write(std::string(name), text)));
    return read.architecture->config();
  }

  // The configuration with another text in the place of `from`.
  absl::StatusOr<EncoderConfig> LoadWith(std::string_view from, std::string_view to) {
    const std::string text = absl::StrReplaceAll(kWhole, {{from, to}});
    EXPECT_NE(text, kWhole) << from;
    return Load(text);
  }
  absl::StatusOr<EncoderConfig> LoadAlso(std::string_view member) {
    return Load(absl::StrCat(kWhole.substr(0, kWhole.size() - 1), ", ", member, "}"));
  }

  // The one line of a refusal, without the path.
  std::string Refusal(const absl::StatusOr<EncoderConfig>& config, absl::StatusCode code) {
    if (config.ok()) return "accepted";
    EXPECT_EQ(config.status().code(), code) << config.status();
    const std::string message(config.status().message());
    const std::string start = absl::StrCat(folder_ / "config.json", ": ");
    EXPECT_THAT(message, StartsWith(start));
    EXPECT_THAT(message, SizeIs(::testing::Le(start.size() + 400)));
    EXPECT_EQ(message.find('\n'), message.npos) << message;
    return message.substr(std::min(message.size(), start.size()));
  }
  std::string Malformed(const absl::StatusOr<EncoderConfig>& config) {
    return Refusal(config, absl::StatusCode::kDataLoss);
  }
  std::string Invalid(const absl::StatusOr<EncoderConfig>& config) {
    return Refusal(config, absl::StatusCode::kInvalidArgument);
  }
  std::string Uncomputed(const absl::StatusOr<EncoderConfig>& config) {
    return Refusal(config, absl::StatusCode::kUnimplemented);
  }

  const TemporaryFolder folder_{TemporaryFolder::Memory()};
};

TEST_F(EncoderConfigTest, ReadsWhatItNeeds) {
  const auto config = Load(kWhole);
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->model_type, "bert");
  EXPECT_THAT(config->architectures, ElementsAre("BertModel"));
  EXPECT_EQ(config->hidden_size, 768);
  EXPECT_EQ(config->layers, 12);
  EXPECT_EQ(config->vocab_size, 30522);
  EXPECT_FALSE(config->names_programs);
}

TEST_F(EncoderConfigTest, WhatJsonAllowsIsRead) {
  EXPECT_THAT(Load(absl::StrCat("\n\t ", kWhole, std::string(1'000'000, ' '))), IsOk());
  EXPECT_THAT(LoadWith("hidden_size", "hidden\\u005fsize"), IsOk()) << "an escaped key";
  EXPECT_THAT(LoadAlso(R"("max": 1000000000000000019884624838656)"), IsOk());
  EXPECT_THAT(LoadAlso(R"("small": 1e-999, "k\u0000": "\u0000", "": null)"), IsOk());
  EXPECT_THAT(LoadAlso(R"("classifier_dropout": null, "pruned_heads": {})"), IsOk());
  EXPECT_THAT(LoadWith("12,", "12 ,"), IsOk());
}

TEST_F(EncoderConfigTest, NestingOf64LevelsIsReadAndOf65Refused) {
  const auto nested = [&](size_t depth) {  // the object around it is one level
    return LoadAlso(
        absl::StrCat("\"x\": ", std::string(depth - 1, '['), std::string(depth - 1, ']')));
  };
  constexpr std::string_view kRefusal =
      "expected JSON nested at most 64 levels deep, found it nested deeper";
  EXPECT_THAT(nested(64), IsOk());
  EXPECT_EQ(Malformed(nested(65)), kRefusal);
  EXPECT_EQ(Malformed(Load(std::string(512'000, '['))), kRefusal);
  EXPECT_EQ(Malformed(LoadAlso(absl::StrCat("\"x\": ", std::string(512'000, '[')))), kRefusal);
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"x\":";
  EXPECT_EQ(Malformed(Load(objects)), kRefusal);
}

TEST_F(EncoderConfigTest, WhatIsNoJsonIsRefusedAtItsByte) {
  EXPECT_EQ(Malformed(Load(absl::StrCat("\xEF\xBB\xBF", kWhole))),
            "byte 0: expected JSON, found a byte-order mark");
  EXPECT_THAT(Malformed(Load("")), HasSubstr("byte 0: expected JSON"));
  EXPECT_THAT(Malformed(LoadWith("\"gelu\"}", "\"gelu\",}")), StartsWith("byte 275: expected"));
  EXPECT_THAT(Malformed(LoadWith("768", "NaN")), StartsWith("byte 70: expected JSON"));
  EXPECT_THAT(Malformed(LoadWith("768", "Infinity")), StartsWith("byte 70: expected JSON"));
  EXPECT_THAT(Malformed(LoadWith("1e-12", "-Infinity")), StartsWith("byte "));
  EXPECT_THAT(Malformed(LoadWith("1e-12", "1e999")), StartsWith("byte "));
  EXPECT_THAT(Malformed(LoadWith("\"bert\"", "'bert'")), StartsWith("byte "));
  EXPECT_THAT(Malformed(Load(absl::StrCat(kWhole, kWhole))), StartsWith("byte 275: expected"));
  EXPECT_THAT(Malformed(Load(absl::StrCat(kWhole, std::string(1, '\0')))), StartsWith("byte 275:"));
  EXPECT_THAT(Malformed(Load(absl::StrCat("// a model\n", kWhole))), StartsWith("byte 0: "));
  EXPECT_EQ(Malformed(LoadWith("bert", "b\xFFrt")),
            "byte 49: expected UTF-8, found an ill-formed sequence");
  EXPECT_THAT(Malformed(LoadAlso(R"("x": "\ud800")")), StartsWith("byte "));
}

TEST_F(EncoderConfigTest, AKeyTwiceIsRefused) {
  constexpr std::string_view kRefusal = "vocab_size: expected one such key, found a second";
  EXPECT_EQ(Malformed(LoadAlso(R"("vocab_size": 30522)")), kRefusal);
  EXPECT_EQ(Malformed(LoadAlso(R"("vocab\u005fsize": 3)")), kRefusal);
  EXPECT_EQ(Malformed(LoadAlso(R"("vocab_size": null)")), kRefusal);
  EXPECT_EQ(Malformed(LoadAlso(R"("x": [{"y": {"a": 1, "a": 1}}])")),
            "x.y.a: expected one such key, found a second");
}

TEST_F(EncoderConfigTest, SizesAreIntegersInTheirRange) {
  for (const auto& [value, found] : std::vector<std::pair<std::string, std::string>>{
           {"0", "0"},
           {"-1", "-1"},
           {"65537", "65537"},
           {"2147483648", "2147483648"},
           {"18446744073709551615", "18446744073709551615"},
           {"1000000000000000000000", "1e+21"},
           {"768.5", "768.5"},
           {"768.0", "768.0"},
           {"\"768\"", "'768'"},
           {"true", "true"},
           {"[768]", "an array"},
           {"{}", "an object"}}) {
    EXPECT_EQ(Invalid(LoadWith("768", value)),
              absl::StrCat("hidden_size: expected an integer from 1 to 65536, found ", found));
  }
  EXPECT_EQ(Invalid(LoadWith("768", "null")), "expected the key 'hidden_size', found no such key");
  EXPECT_EQ(Invalid(LoadWith("\"num_hidden_layers\": 12", "\"num_hidden_layers\": 1000000000")),
            "num_hidden_layers: expected an integer from 1 to 1000, found 1000000000");
  EXPECT_EQ(Invalid(LoadWith("\"num_hidden_layers\": 12", "\"num_hidden_layers\": 1e9")),
            "num_hidden_layers: expected an integer from 1 to 1000, found 1e+09");
  EXPECT_EQ(Invalid(LoadWith("30522", "1099511627776")),
            "vocab_size: expected an integer from 1 to 4000000, found 1099511627776");
  EXPECT_EQ(Invalid(LoadWith("512", "9223372036854775807")),
            "max_position_embeddings: expected an integer from 1 to 1000000, found "
            "9223372036854775807");
  EXPECT_EQ(Invalid(LoadWith("3072", "0")),
            "intermediate_size: expected an integer from 1 to 65536, found 0");
  EXPECT_EQ(Invalid(LoadWith("\"type_vocab_size\": 2", "\"type_vocab_size\": 0")),
            "type_vocab_size: expected an integer from 1 to 65536, found 0");
  EXPECT_EQ(Invalid(LoadWith("\"num_attention_heads\": 12", "\"num_attention_heads\": 7")),
            "hidden_size: expected a multiple of num_attention_heads (7), found 768");
}

TEST_F(EncoderConfigTest, RatesAreInTheirRange) {
  EXPECT_EQ(Invalid(LoadWith("1e-12", "-1")),
            "layer_norm_eps: expected a number from 0 to 1, found -1");
  EXPECT_EQ(Invalid(LoadWith("1e-12", "\"small\"")),
            "layer_norm_eps: expected a number from 0 to 1, found 'small'");
  for (const char* key :
       {"hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"}) {
    EXPECT_EQ(Invalid(LoadAlso(absl::StrCat("\"", key, "\": 1.5"))),
              absl::StrCat(key, ": expected a number from 0 to 0.999999, found 1.5"));
  }
}

TEST_F(EncoderConfigTest, WhatIsNoObjectOrOfAnotherTypeIsRefused) {
  EXPECT_EQ(Invalid(Load("[1]")), "expected an object, found an array");
  EXPECT_EQ(Invalid(Load("768")), "expected an object, found 768");
  EXPECT_EQ(Invalid(LoadWith("\"bert\"", "[\"bert\"]")),
            "model_type: expected a string, found an array");
  EXPECT_EQ(Invalid(LoadWith("\"bert\"", "3")), "model_type: expected a string, found 3");
  EXPECT_EQ(Invalid(LoadWith("[\"BertModel\"]", "\"BertModel\"")),
            "architectures: expected an array, found 'BertModel'");
  EXPECT_EQ(Invalid(LoadWith("[\"BertModel\"]", "[{}]")),
            "architectures.[0]: expected a string, found an object");
  EXPECT_EQ(Invalid(LoadWith("\"gelu\"", "[]")), "hidden_act: expected a string, found an array");
  EXPECT_EQ(Invalid(LoadAlso("\"is_decoder\": \"no\"")),
            "is_decoder: expected true or false, found 'no'");
}

TEST_F(EncoderConfigTest, WhatGraftDoesNotComputeIsRefusedByName) {
  EXPECT_EQ(Uncomputed(Load("{}")), "expected the key 'model_type', found no such key");
  EXPECT_EQ(Uncomputed(LoadWith("\"bert\"", "null")),
            "expected the key 'model_type', found no such key");
  EXPECT_EQ(Uncomputed(LoadWith("\"bert\"", "\"t5\"")),
            absl::StrCat("model_type: expected one of: ", FamilyNames(), "; found 't5'"));
  EXPECT_THAT(
      Uncomputed(LoadWith("\"gelu\"", "\"cosine\"")),
      AllOf(StartsWith("hidden_act: expected one of: gelu, "), EndsWith("; found 'cosine'")));
  EXPECT_EQ(Uncomputed(LoadAlso(R"("position_embedding_type": "relative_key")")),
            "position_embedding_type: expected 'absolute', found 'relative_key'");
  EXPECT_EQ(Uncomputed(LoadAlso("\"is_decoder\": true")), "is_decoder: expected false, found true");
  EXPECT_EQ(Uncomputed(LoadAlso(R"("pruned_heads": {"0": [1]})")),
            "pruned_heads: expected no pruned heads, found some");
}

TEST_F(EncoderConfigTest, HostileValuesDoNotReachAMessageRaw) {
  const std::string hostile = absl::StrCat("\"\\n\\u001b[31m", std::string(100'000, 'x'), "\"");
  EXPECT_THAT(Uncomputed(LoadWith("\"bert\"", hostile)), HasSubstr("found '\\x0A\\x1B[31mxxx"));
  EXPECT_THAT(Uncomputed(LoadWith("\"gelu\"", hostile)), HasSubstr("found '\\x0A\\x1B[31mxxx"));
  EXPECT_THAT(Invalid(LoadWith("768", hostile)), HasSubstr("found '\\x0A\\x1B[31mxxx"));
}

TEST_F(EncoderConfigTest, MoreThan8MegabytesAreRefusedUnread) {
  const std::string spaces(kMaxConfigBytes - kWhole.size(), ' ');
  EXPECT_THAT(Load(absl::StrCat(kWhole, spaces)), IsOk());
  EXPECT_EQ(Refusal(Load(absl::StrCat(kWhole, spaces, " ")), absl::StatusCode::kResourceExhausted),
            "expected at most 8000000 bytes, found 8000001");
}

TEST_F(EncoderConfigTest, NamesOfProgramsAreNoticed) {
  const auto config = LoadAlso(R"("auto_map": {"AutoModel": "modeling_own.Own"})");
  ASSERT_THAT(config, IsOk());
  EXPECT_TRUE(config->names_programs);
}

TEST_F(EncoderConfigTest, TheOriginalReleaseNamesNoModelType) {
  const std::string text = absl::StrReplaceAll(kWhole, {{R"("model_type": "bert", )", ""}});
  EXPECT_THAT(Load(text, "bert_config.json"), IsOk());
  EXPECT_THAT(Load(text), StatusIs(absl::StatusCode::kUnimplemented));
}

// The members that every family with BERT's names needs, and MobileBERT's own.
std::string Config(const std::string& model_type, const std::string& more = "") {
  return absl::StrCat(R"({"model_type": ")", model_type,
                      R"(", "vocab_size": 50, "hidden_size": 12, "num_hidden_layers": 2,
                      "num_attention_heads": 3, "intermediate_size": 20,
                      "max_position_embeddings": 40, "intra_bottleneck_size": 6)",
                      more.empty() ? "" : ", ", more, "}");
}

absl::Status Refusal(const std::string& json) {
  return ParseArchitecture(json, "config.json").status();
}

TEST(Families, AnUnknownOneIsNamedWithTheListOfTheKnown) {
  const std::string message(Refusal(Config("xlnet")).message());
  EXPECT_THAT(message, HasSubstr("config.json: model_type: expected one of: "));
  EXPECT_THAT(message, HasSubstr("found 'xlnet'"));
  for (const EncoderFamily& family : EncoderFamilies())
    EXPECT_THAT(message, HasSubstr(family.model_type));
}

TEST(Families, AreSortedAndHaveNamesOfTheirOwn) {
  for (size_t i = 1; i < EncoderFamilies().size(); ++i) {
    EXPECT_LT(EncoderFamilies()[i - 1].model_type, EncoderFamilies()[i].model_type);
  }
}

TEST(ConfigReader, WhatIsWrongCountsBeforeWhatIsNotComputed) {
  const absl::Status status =
      Refusal(Config("bert", R"("hidden_act": "cosine", "layer_norm_eps": -1)"));
  EXPECT_EQ(status.message(),
            "config.json: layer_norm_eps: expected a number from 0 to 1, found -1");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST(ConfigReader, NamesTheFunctionsThatItKnows) {
  EXPECT_EQ(Refusal(Config("bert", R"("hidden_act": "cosine")")).message(),
            "config.json: hidden_act: expected one of: gelu, gelu_python, gelu_new, gelu_fast, "
            "gelu_accurate, gelu_pytorch_tanh, gelu_python_tanh, quick_gelu, silu, swish, relu, "
            "tanh, sigmoid, linear; found 'cosine'");
}

TEST(ConfigReader, RefusesWhatContradictsItself) {
  EXPECT_EQ(Refusal(absl::StrReplaceAll(Config("bert"), {{R"("num_attention_heads": 3)",
                                                          R"("num_attention_heads": 5)"}}))
                .message(),
            "config.json: hidden_size: expected a multiple of num_attention_heads (5), found 12");
  EXPECT_EQ(Refusal(Config("roberta", R"("pad_token_id": 39)")).message(),
            "config.json: max_position_embeddings: expected more than pad_token_id + 1 (40), found "
            "40");
  EXPECT_THAT(std::string(Refusal(Config("roberta", R"("pad_token_id": 50)")).message()),
              HasSubstr("config.json: pad_token_id: expected an integer from 0 to 49, found 50"));
}

TEST(ConfigReader, RefusesOptionsThatChangeTheMathematicsByName) {
  for (const auto& [member, key] :
       {std::pair{R"("position_embedding_type": "relative_key")", "position_embedding_type"},
        {R"("is_decoder": true)", "is_decoder"},
        {R"("add_cross_attention": true)", "add_cross_attention"},
        {R"("pruned_heads": {"0": [1]})", "pruned_heads"}}) {
    for (const char* family : {"albert", "bert", "roberta", "electra", "mobilebert", "mpnet"}) {
      EXPECT_THAT(std::string(Refusal(Config(family, member)).message()),
                  HasSubstr(absl::StrCat("config.json: ", key, ": expected")))
          << family;
    }
  }
}

TEST(Families, AClassOfAnotherFamilyIsRefused) {
  const auto with = [](const std::string& family, const std::string& name) {
    return std::string(
        Refusal(Config(family, absl::StrCat(R"("architectures": [")", name, "\"]"))).message());
  };
  EXPECT_EQ(with("bert", "RobertaForSequenceClassification"),
            "config.json: architectures: expected classes of bert (BertModel, "
            "BertForSequenceClassification, ...), found 'RobertaForSequenceClassification' of "
            "roberta");
  EXPECT_THAT(with("mobilebert", "BertModel"), HasSubstr("found 'BertModel' of bert"));
  EXPECT_THAT(with("deberta", "DebertaV2ForMaskedLM"), HasSubstr("of deberta-v2"));
  for (const char* name : {"BertForMaskedLM", "BertModel", "BertForPreTraining", "OwnBertModel"}) {
    EXPECT_EQ(with("bert", name), "") << name;
  }
}

TEST(Families, RobertasRelativesMayHaveEachOthersClasses) {
  const auto read = ParseArchitecture(
      Config("xlm-roberta", R"("architectures": ["RobertaForTokenClassification"])"), "config");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(HeadOf(*read), HeadKind::kToken);
}

}  // namespace
}  // namespace graft
