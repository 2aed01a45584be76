// Verbs: finding, explaining and running them.
#include <exception>
#include <ostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/option_list.h"
#include "tools/options.h"

namespace graft::tools {
namespace {

constexpr size_t kHelpColumn = 28;
constexpr size_t kHelpWidth = 100;

// `text` broken between words into lines of at most `width`, joined by a line end and spaces.
std::string Wrap(std::string_view text, size_t width, size_t indent) {
  std::string out;
  size_t used = 0;
  for (const std::string_view word : absl::StrSplit(text, ' ')) {
    if (used > 0 && used + 1 + word.size() > width) {
      absl::StrAppend(&out, "\n", std::string(indent, ' '));
      used = 0;
    }
    if (used > 0) {
      out += ' ';
      ++used;
    }
    absl::StrAppend(&out, word);
    used += word.size();
  }
  return out;
}

void AppendEntry(std::string_view form, std::string_view help, std::string& out) {
  std::string line = absl::StrCat("  ", form);
  if (line.size() + 2 > kHelpColumn) {
    absl::StrAppend(&out, line, "\n");
    line.clear();
  }
  line.resize(kHelpColumn, ' ');
  absl::StrAppend(&out, line, Wrap(help, kHelpWidth - kHelpColumn, kHelpColumn), "\n");
}

std::string VerbHelp(const Program& program, const Verb& verb, const OptionList::Impl& options) {
  std::string usage = absl::StrCat("Usage: ", program.name, " ", verb.name);
  std::string arguments, list;
  bool optional = false;
  for (const auto& entry : options.entries) {
    const bool argument = entry.kind == OptionList::Impl::Kind::kArgument ||
                          entry.kind == OptionList::Impl::Kind::kArguments;
    const std::string form =
        absl::StrCat(entry.name, entry.placeholder.empty() ? "" : " ", entry.placeholder);
    if (argument) {
      absl::StrAppend(&arguments, " ", form);
    } else if (entry.required) {
      absl::StrAppend(&usage, " ", form);
    } else {
      optional = true;
    }
    const std::string default_text =
        entry.default_text.empty() ? "" : absl::StrCat(" (default ", entry.default_text, ")");
    AppendEntry(form, absl::StrCat(entry.help, default_text), list);
  }
  absl::StrAppend(&usage, optional ? " [options]" : "", arguments);
  std::string example;
  for (const std::string_view line : absl::StrSplit(verb.example, '\n')) {
    absl::StrAppend(&example, "  ", line, "\n");
  }
  return absl::StrCat(verb.summary, ".\n\n", usage, "\n\n", list, "\nExample:\n", example);
}

// All verbs, or those of a group ("train").
std::string ProgramHelp(const Program& program, std::string_view group) {
  std::string list;
  for (const Verb& verb : program.verbs) {
    if (!group.empty() && !absl::StartsWith(verb.name, absl::StrCat(group, " "))) continue;
    AppendEntry(verb.name, verb.summary, list);
  }
  return absl::StrCat(program.summary, "\n\nUsage: ", program.name, " ",
                      group.empty() ? "" : absl::StrCat(group, " "), "VERB [options]\n\n", list,
                      "\n", program.name, " VERB --help explains a verb, ", program.name,
                      " --version tells the version.\n");
}

bool AsksForHelp(absl::Span<const char* const> arguments) {
  for (const std::string_view argument : arguments) {
    if (argument == "--") return false;
    if (argument == "--help" || argument == "-h") return true;
  }
  return false;
}

std::string SeeHelp(const Program& program, std::string_view verb) {
  return absl::StrCat("; see ", program.name, " ", verb, verb.empty() ? "" : " ", "--help");
}

int PrintError(const Program& program, std::string_view message, int exit_status,
               std::ostream& err) {
  err << absl::StrCat(program.name, ": ", OneLine(message), "\n") << std::flush;
  return exit_status;
}

// A full disk behind standard output shows when it is flushed.
bool Flushed(std::ostream& out) { return static_cast<bool>(out.flush()); }

int Execute(const Program& program, const Verb& verb, std::ostream& out, std::ostream& err) {
  try {
    const absl::StatusOr<int> result = verb.run();
    if (result.ok() && !Flushed(out)) {
      return PrintError(program, "standard output: cannot write", kExitFailed, err);
    }
    if (result.ok()) return *result;
    return PrintError(program, result.status().message(), kExitFailed, err);
  } catch (const std::exception& exception) {
    // LibTorch writes a stack trace below its message.
    const std::string_view what = exception.what();
    return PrintError(program, absl::StrCat("internal error: ", what.substr(0, what.find('\n'))),
                      kExitFailed, err);
  }
}

int RunVerb(const Program& program, const Verb& verb, absl::Span<const char* const> arguments,
            std::ostream& out, std::ostream& err) {
  OptionList::Impl options;
  OptionList list(&options);
  verb.declare(list);
  if (AsksForHelp(arguments)) {
    out << VerbHelp(program, verb, options) << std::flush;
    return kExitOk;
  }
  absl::Status status = ParseArguments(options, arguments, SeeHelp(program, verb.name));
  if (status.ok() && verb.check) status = verb.check();
  if (!status.ok()) return PrintError(program, status.message(), kExitUsage, err);
  return Execute(program, verb, out, err);
}

// How many arguments the name of the verb takes; 0 when they do not begin with it.
size_t MatchVerb(const Verb& verb, absl::Span<const char* const> arguments) {
  const std::vector<std::string_view> words = absl::StrSplit(verb.name, ' ');
  if (arguments.size() < words.size()) return 0;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] != arguments[i]) return 0;
  }
  return words.size();
}

// The group of verbs that the first argument names, "train"; empty when it is none.
std::string_view GroupOf(const Program& program, absl::Span<const char* const> arguments) {
  if (arguments.empty()) return "";
  for (const Verb& verb : program.verbs) {
    if (absl::StartsWith(verb.name, absl::StrCat(arguments[0], " "))) return arguments[0];
  }
  return "";
}

// One line on arguments that begin with no verb.
std::string DescribeNoVerb(const Program& program, absl::Span<const char* const> arguments) {
  if (arguments.empty()) return absl::StrCat("expected a verb, found none", SeeHelp(program, ""));
  const std::string first = arguments[0];
  if (absl::StartsWith(first, "-")) {
    return absl::StrCat("expected a verb, found the option ", first, SeeHelp(program, ""));
  }
  std::vector<std::string> names;
  names.reserve(program.verbs.size());
  for (const Verb& verb : program.verbs) names.push_back(verb.name);
  const std::string both = arguments.size() > 1 ? absl::StrCat(first, " ", arguments[1]) : first;
  const bool in_group = !GroupOf(program, arguments).empty();
  std::optional<std::string> nearest = Nearest(both, names);
  if (!nearest) nearest = Nearest(first, names);
  return absl::StrCat("unknown verb '", in_group ? both : first, "'",
                      nearest ? absl::StrCat("; did you mean '", *nearest, "'?")
                              : SeeHelp(program, in_group ? first : ""));
}

int ExplainVerbs(const Program& program, absl::Span<const char* const> arguments, std::ostream& out,
                 std::ostream& err) {
  if (AsksForHelp(arguments)) {
    out << ProgramHelp(program, GroupOf(program, arguments)) << std::flush;
    return kExitOk;
  }
  if (!arguments.empty() && std::string_view(arguments[0]) == "--version") {
    out << program.name << " " << program.version << "\n" << std::flush;
    return kExitOk;
  }
  return PrintError(program, DescribeNoVerb(program, arguments), kExitUsage, err);
}

}  // namespace

int RunProgram(const Program& program, absl::Span<const char* const> arguments, std::ostream& out,
               std::ostream& err) {
  const Verb* chosen = nullptr;
  size_t words = 0;
  for (const Verb& verb : program.verbs) {
    const size_t matched = MatchVerb(verb, arguments);
    if (matched <= words) continue;
    chosen = &verb;
    words = matched;
  }
  if (chosen == nullptr) return ExplainVerbs(program, arguments, out, err);
  return RunVerb(program, *chosen, arguments.subspan(words), out, err);
}

}  // namespace graft::tools
