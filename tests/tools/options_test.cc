#include "tools/options.h"

#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace graft::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A program of two verbs in the form that graft's own have.
class OptionsTest : public ::testing::Test {
 protected:
  struct Values {
    std::string model, metric = "accuracy", freeze = "none", device = "auto";
    double learning_rate = 5e-5;
    int epochs = 3, threads = 0;
    int64_t seed = 1;
    std::optional<int64_t> max_steps;
    bool json = false;
    std::vector<std::string> texts;
    DataSetOptions data;
  };

  void Declare(OptionList& list) {
    list.Text("--model", &values_.model, "DIR", "folder of the model", Need::kRequired);
    list.Integer("--epochs", &values_.epochs, 1, 1000, "passes over the training set");
    list.Integer("--max-steps", &values_.max_steps, 1, 1000000, "steps after which it ends");
    list.Number("--learning-rate", &values_.learning_rate,
                {.min = 0, .max = 10, .min_excluded = true}, "the highest one");
    list.Choice("--metric", &values_.metric, {"accuracy", "f1"}, "what is best");
    list.Flag("--json", &values_.json, "as JSON");
    list.Freeze(&values_.freeze);
    list.Device(&values_.device);
    list.Threads(&values_.threads);
    list.Seed(&values_.seed);
    list.DataColumns(&values_.data);
    list.Arguments("[TEXT...]", &values_.texts, "texts");
  }

  int Run(const std::vector<const char*>& arguments) {
    values_ = Values{};
    runs_ = 0;
    const Program program{.name = "graft",
                          .version = "1.2.3",
                          .summary = "Transfer learning.",
                          .verbs = {{.name = "train classify",
                                     .summary = "Trains a classifier",
                                     .example = "graft train classify --model DIR\ngraft eval",
                                     .declare = [this](OptionList& list) { Declare(list); },
                                     .check = [this] { return check_; },
                                     .run =
                                         [this] {
                                           ++runs_;
                                           return run_();
                                         }},
                                    {.name = "inspect model",
                                     .summary = "Shows a model",
                                     .example = "graft inspect model DIR",
                                     .declare =
                                         [this](OptionList& list) {
                                           list.Argument("DIR", &values_.model, "the folder");
                                         },
                                     .check = nullptr,
                                     .run =
                                         [this] {
                                           ++runs_;
                                           return run_();
                                         }}}};
    std::ostringstream out, err;
    const int status = RunProgram(program, arguments, out, err);
    out_ = out.str();
    err_ = err.str();
    return status;
  }
  // A command line that is refused with status 2 and exactly this line, before anything runs.
  void ExpectMistake(const std::vector<const char*>& arguments, const std::string& message) {
    EXPECT_EQ(Run(arguments), kExitUsage) << message;
    EXPECT_EQ(err_, "graft: " + message + "\n");
    EXPECT_EQ(runs_, 0);
    EXPECT_THAT(out_, IsEmpty());
  }

  Values values_;
  std::string out_, err_;
  int runs_ = 0;
  absl::Status check_;
  std::function<absl::StatusOr<int>()> run_ = [] { return kExitOk; };
};

TEST_F(OptionsTest, ReadsEveryKindOfOption) {
  ASSERT_EQ(Run({"train",
                 "classify",
                 "--model",
                 "m",
                 "--epochs=7",
                 "--max-steps",
                 "12",
                 "--learning-rate",
                 "1e-3",
                 "--metric",
                 "f1",
                 "--json",
                 "--freeze",
                 "4",
                 "--device",
                 "cpu",
                 "--threads",
                 "2",
                 "--seed",
                 "9223372036854775807",
                 "--text-column",
                 "3",
                 "--label-column",
                 "stars",
                 "--invalid-utf8",
                 "replace",
                 "--format",
                 "csv"}),
            kExitOk)
      << err_;
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(values_.model, "m");
  EXPECT_EQ(values_.epochs, 7);
  EXPECT_EQ(values_.max_steps, 12);
  EXPECT_EQ(values_.learning_rate, 1e-3);
  EXPECT_EQ(values_.metric, "f1");
  EXPECT_TRUE(values_.json);
  EXPECT_EQ(values_.freeze, "4");
  EXPECT_EQ(values_.device, "cpu");
  EXPECT_EQ(values_.threads, 2);
  EXPECT_EQ(values_.seed, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(values_.data.text_column, "3");
  EXPECT_EQ(values_.data.label_column, "stars");
  EXPECT_EQ(values_.data.invalid_utf8, InvalidUtf8::kReplace);
  EXPECT_EQ(values_.data.format, DataFormat::kCsv);
  EXPECT_THAT(err_, IsEmpty());
}

TEST_F(OptionsTest, DefaultsStayWhenNothingIsSaid) {
  ASSERT_EQ(Run({"train", "classify", "--model", "m"}), kExitOk);
  EXPECT_EQ(values_.epochs, 3);
  EXPECT_EQ(values_.max_steps, std::nullopt);
  EXPECT_EQ(values_.learning_rate, 5e-5);
  EXPECT_FALSE(values_.json);
}

TEST_F(OptionsTest, ArgumentsAreTextsWhateverTheySay) {
  ASSERT_EQ(Run({"train", "classify", "a b", "--model", "m", "", "[a, b]", "-", "train", "inspect",
                 "++", "--", "--json", "-x", "--help"}),
            kExitOk)
      << err_;
  EXPECT_THAT(values_.texts, ElementsAre("a b", "", "[a, b]", "-", "train", "inspect", "++",
                                         "--json", "-x", "--help"));
  EXPECT_FALSE(values_.json);
}

TEST_F(OptionsTest, UnknownOptionSuggestsTheNearest) {
  ExpectMistake({"train", "classify", "--model", "m", "--lr", "1e-3"},
                "unknown option --lr; did you mean --learning-rate?");
  ExpectMistake({"train", "classify", "--modle", "m"},
                "unknown option --modle; did you mean --model?");
  ExpectMistake({"train", "classify", "--epoch=3"},
                "unknown option --epoch; did you mean --epochs?");
  ExpectMistake({"train", "classify", "--frobnicate", "--model", "m"},
                "unknown option --frobnicate; see graft train classify --help");
  ExpectMistake({"inspect", "model", "d", "-v"},
                "unknown option -v; see graft inspect model --help");
}

TEST_F(OptionsTest, ValuesOutsideTheirRangeAreMistakes) {
  const auto expect = [this](const char* option, const char* value, const std::string& message) {
    ExpectMistake({"train", "classify", "--model", "m", option, value},
                  std::string(option) + ": " + message);
  };
  expect("--epochs", "0", "expected an integer from 1 to 1000, found '0'");
  expect("--epochs", "-3", "expected an integer from 1 to 1000, found '-3'");
  expect("--epochs", "0x10", "expected an integer from 1 to 1000, found '0x10'");
  expect("--epochs", "99999999999999999999",
         "expected an integer from 1 to 1000, found '99999999999999999999'");
  expect("--learning-rate", "nan", "expected a number above 0 to 10, found 'nan'");
  expect("--learning-rate", "0", "expected a number above 0 to 10, found '0'");
  expect("--metric", "F1", "expected accuracy or f1, found 'F1'");
  expect("--invalid-utf8", "drop", "expected refuse or replace, found 'drop'");
  expect("--device", "gpu", "expected auto, cpu or cuda, found 'gpu'");
  expect("--seed", "-1", "expected an integer from 0 to 9223372036854775807, found '-1'");
  expect("--freeze", "half", "expected none, embeddings, all or a number of layers, found 'half'");
  expect("--freeze", "-1", "expected none, embeddings, all or a number of layers, found '-1'");
  expect("--freeze", "1.5", "expected none, embeddings, all or a number of layers, found '1.5'");
}

TEST_F(OptionsTest, MissingRepeatedAndEmptyValuesAreMistakes) {
  ExpectMistake({"train", "classify"}, "--model is required; see graft train classify --help");
  ExpectMistake({"inspect", "model"}, "DIR is required; see graft inspect model --help");
  ExpectMistake({"inspect", "model", "a", "b"},
                "unexpected argument 'b'; see graft inspect model --help");
  ExpectMistake({"train", "classify", "--model", "a", "--model", "b"},
                "--model: expected once, found twice");
  ExpectMistake({"train", "classify", "--model", ""},
                "--model: expected a value, found an empty one");
  ExpectMistake({"train", "classify", "--model=", "m"},
                "--model: expected a value, found an empty one");
  ExpectMistake({"train", "classify", "--model"}, "--model: expected a value, found none");
  ExpectMistake({"train", "classify", "--json=yes"}, "--json: expected no value, found 'yes'");
  ExpectMistake({"train", "classify", "--json", "--json"}, "--json: expected once, found twice");
  ExpectMistake({"inspect", "model", ""}, "DIR: expected a value, found an empty one");
  ExpectMistake({"train", "classify", "--model", "--epochs", "3"},
                "--model: expected a value, found the option --epochs");
}

TEST_F(OptionsTest, ChecksBetweenOptionsAreMistakesToo) {
  check_ = absl::InvalidArgumentError("--patience: needs --dev");
  ExpectMistake({"train", "classify", "--model", "m"}, "--patience: needs --dev");
}

TEST_F(OptionsTest, FailedRunsGiveOneLineAndStatus1) {
  run_ = [] { return absl::NotFoundError("a\nb: cannot open"); };
  EXPECT_EQ(Run({"inspect", "model", "d"}), kExitFailed);
  EXPECT_EQ(err_, "graft: a\\nb: cannot open\n");
  run_ = []() -> absl::StatusOr<int> { throw std::runtime_error("broken\nstack"); };
  EXPECT_EQ(Run({"inspect", "model", "d"}), kExitFailed);
  EXPECT_EQ(err_, "graft: internal error: broken\n");
}

TEST_F(OptionsTest, VerbsChooseTheirExitStatus) {
  run_ = [] { return kExitInterrupted; };
  EXPECT_EQ(Run({"inspect", "model", "d"}), kExitInterrupted);
  EXPECT_THAT(err_, IsEmpty());
}

TEST_F(OptionsTest, HelpOfAVerbEndsInItsExample) {
  EXPECT_EQ(Run({"train", "classify", "--epochs", "x", "--help"}), kExitOk);
  EXPECT_EQ(runs_, 0);
  EXPECT_THAT(err_, IsEmpty());
  EXPECT_THAT(out_, HasSubstr("Usage: graft train classify --model DIR [options] [TEXT...]\n"));
  EXPECT_THAT(out_, HasSubstr("\n  --learning-rate X         the highest one (default 5e-05)\n"));
  EXPECT_THAT(out_, HasSubstr("--invalid-utf8 refuse|replace"));
  EXPECT_THAT(out_, HasSubstr("--max-steps N             steps after which it ends\n"));
  EXPECT_THAT(out_, EndsWith("\nExample:\n  graft train classify --model DIR\n  graft eval\n"));
  size_t longest = 0;
  std::istringstream lines(out_);
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
  EXPECT_LE(longest, 100);
}

TEST_F(OptionsTest, HelpOfTheProgramListsItsVerbs) {
  for (const char* flag : {"--help", "-h"}) {
    EXPECT_EQ(Run({flag}), kExitOk);
    EXPECT_THAT(out_, HasSubstr("train classify"));
    EXPECT_THAT(out_, HasSubstr("inspect model"));
  }
  EXPECT_EQ(Run({"train", "--help"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("train classify"));
  EXPECT_THAT(out_, Not(HasSubstr("inspect model")));
}

TEST_F(OptionsTest, VersionIsPrinted) {
  EXPECT_EQ(Run({"--version"}), kExitOk);
  EXPECT_EQ(out_, "graft 1.2.3\n");
}

TEST_F(OptionsTest, UnknownVerbsAreMistakes) {
  ExpectMistake({}, "expected a verb, found none; see graft --help");
  ExpectMistake({"--model", "m"}, "expected a verb, found the option --model; see graft --help");
  ExpectMistake({"train"}, "unknown verb 'train'; did you mean 'train classify'?");
  ExpectMistake({"trian", "classify"}, "unknown verb 'trian'; did you mean 'train classify'?");
  ExpectMistake({"train", "clasify", "--model", "m"},
                "unknown verb 'train clasify'; did you mean 'train classify'?");
  ExpectMistake({"dance"}, "unknown verb 'dance'; see graft --help");
}

}  // namespace
}  // namespace graft::tools
