// Upper and lower case of whole texts.
#ifndef GRAFT_TOKENIZERS_CASE_MAP_H_
#define GRAFT_TOKENIZERS_CASE_MAP_H_

#include <string>
#include <string_view>

namespace graft {

// The full mappings of Unicode that depend on no language, as str.lower() and str.upper() of Python
// give them: "ΟΔΟΣ" becomes "οδος" and "straße" "STRASSE". Ill-formed bytes stay as they are.
// Thread-safe.
std::string LowerCase(std::string_view text);
std::string UpperCase(std::string_view text);

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_CASE_MAP_H_
