// What an OptionList declares, and the parser over it. Internal to options.cc and program.cc.
#ifndef GRAFT_TOOLS_OPTION_LIST_H_
#define GRAFT_TOOLS_OPTION_LIST_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tools/options.h"

namespace graft::tools {

struct OptionList::Impl {
  enum class Kind { kValue, kFlag, kArgument, kArguments };
  struct Entry {
    Kind kind = Kind::kValue;
    std::string name;  // "--model"; of an argument what --help calls it, "DIR"
    std::string placeholder = "";
    std::string help = "";
    std::string default_text = "";
    bool required = false;
    bool may_be_empty = false;
    Parser read = nullptr;
    bool given = false;
  };

  std::vector<Entry> entries;  // in the order of declaration
};

// Reads `--name value`, `--name=value`, flags and arguments, in any order; behind `--` all are
// arguments. Stops at the first mistake: InvalidArgument, whose message begins with the name of the
// option where it is known. `see_help` ends messages that have nothing better to suggest.
absl::Status ParseArguments(OptionList::Impl& options, absl::Span<const char* const> arguments,
                            std::string_view see_help);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_OPTION_LIST_H_
