#include "tokenizers/bert_tokenizer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/log/absl_check.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace graft {
namespace {

using Kind = TemplatePiece::Kind;

size_t CountSpecialTokens(const std::vector<TemplatePiece>& pieces) {
  size_t count = 0;
  for (const TemplatePiece& piece : pieces) count += piece.ids.size();
  return count;
}

void Truncate(Encoding& encoding, size_t size) {
  if (encoding.size() <= size) return;
  encoding.cut_off += encoding.size() - size;
  encoding.ids.resize(size);
  encoding.type_ids.resize(size);
  encoding.word_ids.resize(size);
  encoding.offsets.resize(size);
  encoding.special_tokens_mask.resize(size);
}

// How many tokens of a pair stay when `most` are allowed: the longer text loses first, and two that
// are both too long end up equal (the first one shorter by one when `most` is odd).
std::pair<size_t, size_t> LongestFirst(size_t first, size_t second, size_t most) {
  if (first + second <= most) return {first, second};
  const bool swapped = first > second;
  size_t shorter = std::min(first, second);
  size_t longer = shorter > most ? shorter : std::max(shorter, most - shorter);
  if (shorter + longer > most) {
    shorter = most / 2;
    longer = shorter + most % 2;
  }
  return swapped ? std::pair(longer, shorter) : std::pair(shorter, longer);
}

void AppendText(const Encoding& text, int32_t type_id, Encoding& out) {
  const auto append = [](const auto& from, auto& to) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(text.ids, out.ids);
  out.type_ids.resize(out.ids.size(), type_id);
  append(text.word_ids, out.word_ids);
  append(text.offsets, out.offsets);
  append(text.special_tokens_mask, out.special_tokens_mask);
  out.cut_off += text.cut_off;
}

void AppendSpecial(const TemplatePiece& piece, Encoding& out) {
  for (const int32_t id : piece.ids) {
    out.ids.push_back(id);
    out.type_ids.push_back(piece.type_id);
    out.word_ids.push_back(-1);
    out.offsets.push_back({0, 0});
    out.special_tokens_mask.push_back(1);
  }
}

// What the peer's decoder takes back, in its order.
constexpr std::pair<std::string_view, std::string_view> kCleanUps[] = {
    {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
    {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
    {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};

void CleanUp(std::string& token) {
  for (const auto& [from, to] : kCleanUps) absl::StrReplaceAll({{from, to}}, &token);
}

}  // namespace

BertTokenizer::BertTokenizer(BertParts parts) : pipeline_(std::move(parts)), workers_(pipeline_) {
  const BertParts& the_parts = pipeline_.parts;
  bool before = true;
  for (const TemplatePiece& piece : the_parts.post_processor.single) {
    if (piece.kind == Kind::kFirstText) before = false;
    std::vector<int32_t>& ids = before ? single_.before : single_.after;
    ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
  }
  single_.count = single_.before.size() + single_.after.size();
  special_tokens_per_pair_ = CountSpecialTokens(the_parts.post_processor.pair);
  vocabulary_size_ = the_parts.model.vocabulary().size();
  for (size_t i = 0; i < the_parts.added_tokens.size(); ++i) {
    const AddedToken& token = the_parts.added_tokens[i];
    vocabulary_size_ = std::max(vocabulary_size_, static_cast<size_t>(token.id) + 1);
    added_by_id_[token.id] = i;
    added_forms_.push_back(token.normalized ? NormalizedForm(the_parts.normalizer, token.content)
                                            : token.content);
    added_ids_[token.content] = token.id;
  }
}

Encoding BertTokenizer::Encode(std::string_view text, const EncodeOptions& options) const {
  Encoding encoding;
  workers_.Take()->AppendEncoding(text, 0, std::nullopt, encoding);
  return Assemble(std::move(encoding), nullptr, options);
}

Encoding BertTokenizer::EncodePair(std::string_view first, std::string_view second,
                                   const EncodeOptions& options) const {
  Encoding encodings[2];
  const BertWorkerPool::Lease worker = workers_.Take();
  worker->AppendEncoding(first, 0, std::nullopt, encodings[0]);
  worker->AppendEncoding(second, 1, std::nullopt, encodings[1]);
  return Assemble(std::move(encodings[0]), &encodings[1], options);
}

Encoding BertTokenizer::EncodeWords(absl::Span<const std::string_view> words,
                                    const EncodeOptions& options) const {
  Encoding encoding;
  const BertWorkerPool::Lease worker = workers_.Take();
  for (size_t i = 0; i < words.size(); ++i) {
    worker->AppendEncoding(words[i], 0, static_cast<int32_t>(i), encoding);
  }
  return Assemble(std::move(encoding), nullptr, options);
}

Encoding BertTokenizer::Assemble(Encoding first, Encoding* second,
                                 const EncodeOptions& options) const {
  const PostProcessor& processor = pipeline_.parts.post_processor;
  const auto& pieces = second == nullptr ? processor.single : processor.pair;
  const size_t added = !options.add_special_tokens ? 0
                       : second == nullptr         ? single_.count
                                                   : special_tokens_per_pair_;
  if (options.max_length > 0) {
    const size_t most = options.max_length - std::min(options.max_length, added);
    if (second == nullptr) {
      Truncate(first, most);
    } else {
      const auto [keep_first, keep_second] = LongestFirst(first.size(), second->size(), most);
      Truncate(first, keep_first);
      Truncate(*second, keep_second);
    }
  }
  if (pieces.size() == 1 && pieces[0].type_id == 0) return first;
  Encoding out;
  for (const TemplatePiece& piece : pieces) {
    if (piece.kind == Kind::kFirstText) AppendText(first, piece.type_id, out);
    if (piece.kind == Kind::kSecondText && second != nullptr) {
      AppendText(*second, piece.type_id, out);
    }
    if (piece.kind == Kind::kSpecial && options.add_special_tokens) AppendSpecial(piece, out);
  }
  return out;
}

std::optional<int32_t> BertTokenizer::TokenToId(std::string_view token) const {
  const auto added = added_ids_.find(token);
  if (added != added_ids_.end()) return added->second;
  return pipeline_.parts.model.vocabulary().Find(token);
}

std::optional<std::string_view> BertTokenizer::IdToToken(int32_t id) const {
  const auto added = added_by_id_.find(id);
  if (added != added_by_id_.end()) return pipeline_.parts.added_tokens[added->second].content;
  const Vocabulary& vocabulary = pipeline_.parts.model.vocabulary();
  if (id < 0 || static_cast<size_t>(id) >= vocabulary.size()) return std::nullopt;
  return vocabulary.token(id);
}

std::string BertTokenizer::Decode(absl::Span<const int32_t> ids, bool skip_special_tokens) const {
  const DecoderOptions& decoder = pipeline_.parts.decoder;
  std::string text;
  bool first = true;
  for (const int32_t id : ids) {
    std::optional<std::string_view> found = IdToToken(id);
    if (!found) continue;
    if (const auto added = added_by_id_.find(id); added != added_by_id_.end()) {
      found = added_forms_[added->second];
    }
    // By what is written, as in the peer: a special token with another normalized form stays.
    if (const auto same = added_ids_.find(*found);
        skip_special_tokens && same != added_ids_.end()) {
      if (pipeline_.parts.added_tokens[added_by_id_.at(same->second)].special) continue;
    }
    std::string token;
    if (first) {
      token = *found;
    } else if (decoder.word_piece && found->starts_with(decoder.prefix)) {
      token = found->substr(decoder.prefix.size());
    } else {
      token = absl::StrCat(" ", *found);
    }
    first = false;
    if (decoder.word_piece && decoder.cleanup) CleanUp(token);
    text += token;
  }
  return text;
}

std::string BertTokenizer::Describe() const {
  const BertNormalizerOptions& normalizer = pipeline_.parts.normalizer;
  std::string text = absl::StrCat("BERT WordPiece, ", vocabulary_size_, " tokens, ",
                                  normalizer.lowercase ? "lower case" : "cased");
  if (normalizer.strip_accents != normalizer.lowercase) {
    absl::StrAppend(&text, normalizer.strip_accents ? ", accents stripped" : ", accents kept");
  }
  if (!normalizer.handle_chinese_chars) absl::StrAppend(&text, ", CJK not split");
  if (!normalizer.clean_text) absl::StrAppend(&text, ", control characters kept");
  return text;
}

}  // namespace graft
