// The frame of the command line: verbs, their options, messages and exit statuses.
#ifndef GRAFT_TOOLS_OPTIONS_H_
#define GRAFT_TOOLS_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tasks/data_set.h"
#include "tools/option_values.h"

namespace graft::tools {

enum ExitStatus : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,  // the command line alone shows the mistake
  kExitInterrupted = 130,
  kExitTerminated = 143,
};

inline constexpr int64_t kMostThreads = 1024;

enum class Need { kOptional, kRequired };

// Declares the options of one verb. Every `value` must live until the verb has run; what it holds
// when it is declared is the default that --help shows (an empty string and nullopt show none).
// Names are long ones, "--batch-size". An option given twice, an empty value (but for
// OptionalText) and a value outside
// its range are mistakes of the command line.
class OptionList {
 public:
  struct Impl;
  explicit OptionList(Impl* impl) : impl_(impl) {}

  // `placeholder` stands for the value in --help: "DIR", "FILE".
  void Text(std::string_view name, std::string* value, std::string_view placeholder,
            std::string_view help, Need need = Need::kOptional);
  // A text that may be empty, which is not the same as none.
  void OptionalText(std::string_view name, std::optional<std::string>* value,
                    std::string_view placeholder, std::string_view help);
  // A decimal integer in [min, max].
  void Integer(std::string_view name, int* value, int64_t min, int64_t max, std::string_view help);
  void Integer(std::string_view name, int64_t* value, int64_t min, int64_t max,
               std::string_view help);
  void Integer(std::string_view name, std::optional<int64_t>* value, int64_t min, int64_t max,
               std::string_view help);
  // A decimal number; never nan or inf.
  void Number(std::string_view name, double* value, const NumberRange& range,
              std::string_view help);
  void Number(std::string_view name, std::optional<double>* value, const NumberRange& range,
              std::string_view help);
  // One of `choices`, spelled exactly.
  void Choice(std::string_view name, std::string* value, std::vector<std::string> choices,
              std::string_view help);
  template <typename Enum>
  void Choice(std::string_view name, Enum* value,
              const std::vector<std::pair<std::string, Enum>>& choices, std::string_view help);
  void Flag(std::string_view name, bool* value, std::string_view help);
  // The arguments that belong to no option: "[TEXT...]". Those that begin with "-" stand behind
  // "--".
  void Arguments(std::string_view placeholder, std::vector<std::string>* values,
                 std::string_view help);
  // One argument that belongs to no option and must be there: "DIR".
  void Argument(std::string_view placeholder, std::string* value, std::string_view help);

  // Options that several verbs share, each spelled and explained in one place.
  void Freeze(std::string* value);  // --freeze none|embeddings|K|all
  void Device(std::string* value);  // --device auto|cpu|cuda
  void Threads(int* value);         // --threads N; what 0 means says PrepareCompute
  void Seed(int64_t* value);        // --seed N, in [0, 2^63)
  void InvalidUtf8Policy(InvalidUtf8* value);
  // --text-column, --label-column, --format, --invalid-utf8
  void DataColumns(DataSetOptions* value);

 private:
  using Parser = std::function<absl::Status(std::string_view)>;
  void Add(std::string_view name, std::string_view placeholder, std::string_view help,
           std::string default_text, Need need, Parser parser);
  void AddChoice(std::string_view name, std::vector<std::string> choices, std::string_view help,
                 std::string default_text, std::function<void(size_t)> choose);

  Impl* impl_;
};

// One verb of the program: "eval", or two words, "train classify".
struct Verb {
  std::string name;
  std::string summary;  // one sentence without a full stop, for lists of verbs
  std::string example;  // command lines, which end the help
  std::function<void(OptionList&)> declare;
  // Mistakes between options that the command line alone shows; may be empty.
  std::function<absl::Status()> check = nullptr;
  // Does the work and returns an exit status: kExitOk, or what a signal asked for.
  std::function<absl::StatusOr<int>()> run;
};

struct Program {
  std::string name;  // in front of every message
  std::string version;
  std::string summary;  // whole sentences
  std::vector<Verb> verbs;
};

// Finds the verb that the arguments name, reads its options and runs it. Returns the exit status:
// the verb's own; 1 with one line "graft: MESSAGE" on `err` when it failed or threw; 2 with such a
// line for a mistake of the command line; 0 after --help and --version, which go to `out`. No verb
// runs unless the whole command line is right. `arguments` are argv without the program's name.
int RunProgram(const Program& program, absl::Span<const char* const> arguments, std::ostream& out,
               std::ostream& err);

template <typename Enum>
void OptionList::Choice(std::string_view name, Enum* value,
                        const std::vector<std::pair<std::string, Enum>>& choices,
                        std::string_view help) {
  std::vector<std::string> names;
  std::vector<Enum> values;
  std::string default_text;
  for (const auto& [text, choice] : choices) {
    if (choice == *value) default_text = text;
    names.push_back(text);
    values.push_back(choice);
  }
  AddChoice(name, std::move(names), help, std::move(default_text),
            [value, values = std::move(values)](size_t index) { *value = values[index]; });
}

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_OPTIONS_H_
