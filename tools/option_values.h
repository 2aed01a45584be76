// Values of options: numbers read strictly, and what a misspelt name was meant to be.
#ifndef GRAFT_TOOLS_OPTION_VALUES_H_
#define GRAFT_TOOLS_OPTION_VALUES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace graft::tools {

// Numbers that an option accepts.
struct NumberRange {
  double min = 0;
  double max = 1;
  bool min_excluded = false;
  bool max_excluded = false;
};

// A whole text as a decimal integer or number: no spaces, no hexadecimal, no nan or inf, no
// overflow, nothing behind it. InvalidArgument with "expected ..., found '...'".
absl::StatusOr<int64_t> ParseInteger(std::string_view text, int64_t min, int64_t max);
absl::StatusOr<double> ParseNumber(std::string_view text, const NumberRange& range);

// The shortest text of at most 15 digits: "5e-05", "0.1".
std::string NumberText(double number);

// The candidate that `text` was probably meant to be: the same initials of its words ("lr" for
// "learning-rate"), a beginning of it ("epoch"), one of its words ("rate"), or a few letters
// changed (edit distance with transpositions, at most a third of the letters). nullopt when none is
// near. Words are parted by "-" or " ".
std::optional<std::string> Nearest(std::string_view text, absl::Span<const std::string> candidates);

// A message on one line of a terminal: line ends and other control characters become \n, \xHH.
std::string OneLine(std::string_view message);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_OPTION_VALUES_H_
