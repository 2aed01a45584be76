#include "tools/option_list.h"

#include <algorithm>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace graft::tools {
namespace {

using Kind = OptionList::Impl::Kind;
using Entry = OptionList::Impl::Entry;

bool IsOption(const Entry& entry) {
  return entry.kind == Kind::kValue || entry.kind == Kind::kFlag;
}

template <typename... Parts>
absl::Status Mistake(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

class ArgumentParser {
 public:
  ArgumentParser(OptionList::Impl& options, absl::Span<const char* const> arguments,
                 std::string_view see_help)
      : options_(options), arguments_(arguments), see_help_(see_help) {}

  absl::Status Parse() {
    bool only_arguments = false;
    while (!arguments_.empty()) {
      const std::string_view argument = Take();
      if (only_arguments || argument.size() < 2 || argument[0] != '-') {
        ABSL_RETURN_IF_ERROR(ReadArgument(argument));
      } else if (argument == "--") {
        only_arguments = true;
      } else {
        ABSL_RETURN_IF_ERROR(ReadOption(argument));
      }
    }
    for (const Entry& entry : options_.entries) {
      if (entry.required && !entry.given) return Mistake(entry.name, " is required", see_help_);
    }
    return absl::OkStatus();
  }

 private:
  std::string_view Take() {
    const std::string_view argument = arguments_.front();
    arguments_.remove_prefix(1);
    return argument;
  }

  absl::Status ReadArgument(std::string_view argument) {
    for (Entry& entry : options_.entries) {
      if (IsOption(entry) || (entry.kind == Kind::kArgument && entry.given)) continue;
      entry.given = true;
      return entry.read(argument);
    }
    return Mistake("unexpected argument '", argument, "'", see_help_);
  }

  absl::Status ReadOption(std::string_view argument) {
    const size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const auto entry =
        std::find_if(options_.entries.begin(), options_.entries.end(),
                     [name](const Entry& e) { return IsOption(e) && e.name == name; });
    if (entry == options_.entries.end()) return UnknownOption(name);
    if (std::exchange(entry->given, true)) return Mistake(name, ": expected once, found twice");
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
      if (entry->kind == Kind::kFlag) {
        return Mistake(name, ": expected no value, found '", value, "'");
      }
    } else if (entry->kind == Kind::kValue) {
      if (arguments_.empty()) return Mistake(name, ": expected a value, found none");
      value = Take();
      // "--model --train FILE" lacks a value; "--model=--train" is one.
      if (absl::StartsWith(value, "--")) {
        return Mistake(name, ": expected a value, found the option ", value);
      }
    }
    if (entry->kind == Kind::kValue && value.empty() && !entry->may_be_empty) {
      return Mistake(name, ": expected a value, found an empty one");
    }
    const absl::Status status = entry->read(value);
    return status.ok() ? status : Mistake(name, ": ", status.message());
  }

  absl::Status UnknownOption(std::string_view name) const {
    std::vector<std::string> known;
    for (const Entry& entry : options_.entries) {
      if (IsOption(entry)) known.push_back(entry.name.substr(2));
    }
    const auto nearest = Nearest(absl::StripPrefix(absl::StripPrefix(name, "-"), "-"), known);
    if (!nearest) return Mistake("unknown option ", name, see_help_);
    return Mistake("unknown option ", name, "; did you mean --", *nearest, "?");
  }

  OptionList::Impl& options_;
  absl::Span<const char* const> arguments_;
  const std::string_view see_help_;
};

}  // namespace

absl::Status ParseArguments(OptionList::Impl& options, absl::Span<const char* const> arguments,
                            std::string_view see_help) {
  return ArgumentParser(options, arguments, see_help).Parse();
}

}  // namespace graft::tools
