// Lines of text as the words of a model over word vectors.
#ifndef GRAFT_TOOLS_WORD_LINES_H_
#define GRAFT_TOOLS_WORD_LINES_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "tasks/word_model.h"
#include "tools/line_texts.h"

namespace graft::tools {

struct WordLineOptions {
  bool json = false;      // else the words with blanks between them
  size_t max_length = 0;  // most words of a text; 0: no limit
  OffsetUnit offsets = OffsetUnit::kBytes;
};

// Appends one line with its line end (docs/formats.md) and gives how many words were cut off.
// Thread-safe.
size_t AppendWordLine(const WordModel& model, std::string_view text, const WordLineOptions& options,
                      std::string& out);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_WORD_LINES_H_
