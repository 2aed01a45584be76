// ICU's normalization data. Internal,.
#ifndef GRAFT_TOKENIZERS_UNICODE_DATA_H_
#define GRAFT_TOKENIZERS_UNICODE_DATA_H_

struct UNormalizer2;

namespace graft::unicode_internal {

// Thread-safe.
const UNormalizer2* Nfd();
const UNormalizer2* Nfkd();
const UNormalizer2* Nfc();

}  // namespace graft::unicode_internal

#endif  // GRAFT_TOKENIZERS_UNICODE_DATA_H_
