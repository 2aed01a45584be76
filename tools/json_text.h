// Reports as JSON text.
#ifndef GRAFT_TOOLS_JSON_TEXT_H_
#define GRAFT_TOOLS_JSON_TEXT_H_

#include <string>

#include "nlohmann/json.hpp"

namespace graft::tools {

// One line, or indented by `indent` spaces. A path need not be UTF-8, JSON must be: what is
// ill-formed becomes U+FFFD.
inline std::string JsonText(const nlohmann::ordered_json& json, int indent = -1) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_JSON_TEXT_H_
