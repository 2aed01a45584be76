#include "tools/options.h"

#include <algorithm>
#include <limits>

#include "absl/log/absl_check.h"
#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/option_list.h"

namespace graft::tools {
namespace {

constexpr int64_t kMostLayers = 1024;

std::string QuoteChoices(const std::vector<std::string>& choices) {
  return absl::StrCat(absl::StrJoin(choices.begin(), choices.end() - 1, ", "), " or ",
                      choices.back());
}

// A parser that stores an integer of [min, max] into any type that holds it.
template <typename Integer>
auto IntegerParser(Integer* value, int64_t min, int64_t max) {
  return [value, min, max](std::string_view text) -> absl::Status {
    ABSL_ASSIGN_OR_RETURN(const int64_t number, ParseInteger(text, min, max));
    *value = static_cast<Integer>(number);
    return absl::OkStatus();
  };
}

}  // namespace

void OptionList::Add(std::string_view name, std::string_view placeholder, std::string_view help,
                     std::string default_text, Need need, Parser parser) {
  ABSL_CHECK(absl::StartsWith(name, "--"));
  impl_->entries.push_back({.kind = Impl::Kind::kValue,
                            .name = std::string(name),
                            .placeholder = std::string(placeholder),
                            .help = std::string(help),
                            .default_text = std::move(default_text),
                            .required = need == Need::kRequired,
                            .read = std::move(parser)});
}

void OptionList::Text(std::string_view name, std::string* value, std::string_view placeholder,
                      std::string_view help, Need need) {
  Add(name, placeholder, help, *value, need, [value](std::string_view text) {
    *value = std::string(text);
    return absl::OkStatus();
  });
}

void OptionList::OptionalText(std::string_view name, std::optional<std::string>* value,
                              std::string_view placeholder, std::string_view help) {
  Add(name, placeholder, help, "", Need::kOptional, [value](std::string_view text) {
    *value = std::string(text);
    return absl::OkStatus();
  });
  impl_->entries.back().may_be_empty = true;
}

void OptionList::Integer(std::string_view name, int* value, int64_t min, int64_t max,
                         std::string_view help) {
  ABSL_CHECK(min >= std::numeric_limits<int>::min() && max <= std::numeric_limits<int>::max());
  Add(name, "N", help, absl::StrCat(*value), Need::kOptional, IntegerParser(value, min, max));
}

void OptionList::Integer(std::string_view name, int64_t* value, int64_t min, int64_t max,
                         std::string_view help) {
  Add(name, "N", help, absl::StrCat(*value), Need::kOptional, IntegerParser(value, min, max));
}

void OptionList::Integer(std::string_view name, std::optional<int64_t>* value, int64_t min,
                         int64_t max, std::string_view help) {
  Add(name, "N", help, *value ? absl::StrCat(**value) : "", Need::kOptional,
      IntegerParser(value, min, max));
}

void OptionList::Number(std::string_view name, double* value, const NumberRange& range,
                        std::string_view help) {
  Add(name, "X", help, NumberText(*value), Need::kOptional,
      [value, range](std::string_view text) -> absl::Status {
        ABSL_ASSIGN_OR_RETURN(*value, ParseNumber(text, range));
        return absl::OkStatus();
      });
}

void OptionList::Number(std::string_view name, std::optional<double>* value,
                        const NumberRange& range, std::string_view help) {
  Add(name, "X", help, *value ? NumberText(**value) : "", Need::kOptional,
      [value, range](std::string_view text) -> absl::Status {
        ABSL_ASSIGN_OR_RETURN(*value, ParseNumber(text, range));
        return absl::OkStatus();
      });
}

void OptionList::AddChoice(std::string_view name, std::vector<std::string> choices,
                           std::string_view help, std::string default_text,
                           std::function<void(size_t)> choose) {
  const std::string placeholder = absl::StrJoin(choices, "|");
  Add(name, placeholder, help, std::move(default_text), Need::kOptional,
      [choices = std::move(choices), choose = std::move(choose)](std::string_view text) {
        const auto found = std::find(choices.begin(), choices.end(), text);
        if (found == choices.end()) {
          return absl::InvalidArgumentError(
              absl::StrCat("expected ", QuoteChoices(choices), ", found '", text, "'"));
        }
        choose(static_cast<size_t>(found - choices.begin()));
        return absl::OkStatus();
      });
}

void OptionList::Choice(std::string_view name, std::string* value, std::vector<std::string> choices,
                        std::string_view help) {
  auto choose = [value, choices](size_t index) { *value = choices[index]; };
  AddChoice(name, std::move(choices), help, *value, std::move(choose));
}

void OptionList::Flag(std::string_view name, bool* value, std::string_view help) {
  Add(name, "", help, "", Need::kOptional, [value](std::string_view) {
    *value = true;
    return absl::OkStatus();
  });
  impl_->entries.back().kind = Impl::Kind::kFlag;
}

void OptionList::Arguments(std::string_view placeholder, std::vector<std::string>* values,
                           std::string_view help) {
  impl_->entries.push_back({.kind = Impl::Kind::kArguments,
                            .name = std::string(placeholder),
                            .help = std::string(help),
                            .read = [values](std::string_view text) {
                              values->emplace_back(text);
                              return absl::OkStatus();
                            }});
}

void OptionList::Argument(std::string_view placeholder, std::string* value, std::string_view help) {
  impl_->entries.push_back(
      {.kind = Impl::Kind::kArgument,
       .name = std::string(placeholder),
       .help = std::string(help),
       .required = true,
       .read = [value, name = std::string(placeholder)](std::string_view text) -> absl::Status {
         if (text.empty()) {
           return absl::InvalidArgumentError(
               absl::StrCat(name, ": expected a value, found an empty one"));
         }
         *value = std::string(text);
         return absl::OkStatus();
       }});
}

void OptionList::Freeze(std::string* value) {
  Add("--freeze", "none|embeddings|K|all",
      "what stays as pretrained: nothing, the embeddings, the embeddings and layers 1 to K, or the "
      "whole encoder",
      *value, Need::kOptional, [value](std::string_view text) {
        const bool named = text == "none" || text == "embeddings" || text == "all";
        if (!named && !ParseInteger(text, 0, kMostLayers).ok()) {
          return absl::InvalidArgumentError(absl::StrCat(
              "expected none, embeddings, all or a number of layers, found '", text, "'"));
        }
        *value = std::string(text);
        return absl::OkStatus();
      });
}

void OptionList::Device(std::string* value) {
  Choice("--device", value, {"auto", "cpu", "cuda"}, "where to compute");
}

void OptionList::Threads(int* value) {
  Integer("--threads", value, 0, kMostThreads,
          "CPU threads; 0 takes OMP_NUM_THREADS, where that is not set one per core");
}

void OptionList::Seed(int64_t* value) {
  Integer("--seed", value, 0, std::numeric_limits<int64_t>::max(),
          "start of all random numbers: the same seed gives the same result");
}

void OptionList::InvalidUtf8Policy(InvalidUtf8* value) {
  Choice<InvalidUtf8>("--invalid-utf8", value,
                      {{"refuse", InvalidUtf8::kRefuse}, {"replace", InvalidUtf8::kReplace}},
                      "malformed UTF-8 is an error, or becomes U+FFFD");
}

void OptionList::DataColumns(DataSetOptions* value) {
  constexpr std::string_view kDefault = "else the column";
  Text("--text-column", &value->text_column, "COLUMN",
       absl::StrCat("name of the column of texts, or its number counted from 1; ", kDefault,
                    " `text` of the header, or the first"));
  Text("--label-column", &value->label_column, "COLUMN",
       absl::StrCat("the same for labels; ", kDefault, " `label` of the header, or the second"));
  Choice<DataFormat>("--format", &value->format,
                     {{"auto", DataFormat::kAuto},
                      {"tsv", DataFormat::kTsv},
                      {"csv", DataFormat::kCsv},
                      {"jsonl", DataFormat::kJsonLines}},
                     "form of data files; auto goes by the name's ending");
  InvalidUtf8Policy(&value->invalid_utf8);
}

}  // namespace graft::tools
