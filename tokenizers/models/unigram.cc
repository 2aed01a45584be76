#include "tokenizers/models/unigram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/utf8.h"
#include "tokenizers/files/vocabulary_file.h"

namespace graft {
namespace {

constexpr std::string_view kWordMark = "\xE2\x96\x81";
// Both peers' distance of an unknown character from the worst piece.
constexpr double kUnknownPenalty = 10;
// sentencepiece's guard against sums that lose their low bits.
constexpr float kResetScore = 100'000;

// What is wrong with a piece; empty when nothing is.
std::string FindFault(std::string_view piece, double score) {
  if (piece.empty()) return "expected a piece, found an empty one";
  if (piece.size() > kMaxTokenBytes) {
    return absl::StrCat("expected at most ", kMaxTokenBytes, " bytes, found ", piece.size());
  }
  if (FindInvalidUtf8(piece)) return absl::StrCat("expected UTF-8, found ", Quoted(piece));
  if (!std::isfinite(score)) return absl::StrCat("expected a finite score, found ", score);
  return "";
}

}  // namespace

void UnigramPieces::Add(std::string_view piece, double score, PieceType type) {
  const auto begin = static_cast<uint32_t>(text.size());
  text.append(piece);
  spans.push_back({begin, static_cast<uint32_t>(text.size())});
  scores.push_back(score);
  types.push_back(type);
}

// The nodes of one text, with the best way to each of them.
class Unigram::Lattice {
 public:
  Lattice(const Unigram& model, std::string_view text) : model_(model), text_(text) {
    if (text.size() < kSmall) {
      std::fill_n(small_.begin(), text.size() + 1, Node{0, 0, -1});
    } else {
      large_.resize(text.size() + 1, Node{0, 0, -1});
      nodes_ = large_.data();
    }
  }
  Lattice(const Lattice&) = delete;
  Lattice& operator=(const Lattice&) = delete;

  const Node& node(size_t end) const { return nodes_[end]; }

  // Adds up scores as Real, from `score` on. With kMargins also keeps how much better the best way
  // to each node is than the next best.
  template <typename Real, bool kMargins = false>
  void Fill(Real score) {
    if constexpr (kMargins) margins_.assign(text_.size() + 1, kInfinity);
    nodes_[0].score = score;
    for (size_t begin = 0; begin < text_.size();) {
      if constexpr (std::is_same_v<Real, float>) Reset(begin);
      const size_t length = CharLength(text_[begin]);
      const Real before = static_cast<Real>(nodes_[begin].score);
      bool is_piece = false;
      const auto reach = [&](size_t count, int32_t id, Real piece_score) {
        Reach<Real, kMargins>(begin, count, id, piece_score + before);
      };
      model_.trie_.ForEachPrefix(text_.substr(begin), [&](size_t count, uint32_t id) {
        reach(count, static_cast<int32_t>(id), static_cast<Real>(model_.scores_[id]));
        if (count == length) is_piece = true;
      });
      if (!is_piece) {
        reach(length, model_.options_.unknown_id, static_cast<Real>(model_.unknown_score_));
      }
      begin += length;
    }
  }

  // By how much the best way to the end beats every other that leaves it, at the least.
  double Margin() const {
    double margin = kInfinity;
    for (size_t end = text_.size(); end > 0; end = nodes_[end].start) {
      margin = std::min(margin, margins_[end]);
    }
    return margin;
  }

 private:
  static constexpr size_t kSmall = 256;
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  // One more way to a node: the first of equals stays.
  template <typename Real, bool kMargins>
  void Reach(size_t begin, size_t count, int32_t id, Real score) {
    Node& node = nodes_[begin + count];
    furthest_ = std::max(furthest_, begin + count);
    if constexpr (kMargins) {
      if (node.id >= 0) {
        double& margin = margins_[begin + count];
        // A better way leaves the old one behind; a worse one may come between.
        margin = score > node.score ? score - node.score : std::min(margin, node.score - score);
      }
    }
    if (node.id < 0 || score > static_cast<Real>(node.score)) {
      node = {score, static_cast<uint32_t>(begin), id};
    }
  }

  // As sentencepiece does: large sums begin anew from 0.
  void Reset(size_t begin) {
    const auto score = static_cast<float>(nodes_[begin].score);
    if (std::abs(score) <= kResetScore) return;
    for (size_t i = begin; i <= std::max(begin, furthest_); ++i) {
      if (i != begin && nodes_[i].id < 0) continue;
      nodes_[i].score = static_cast<float>(nodes_[i].score) - score;
    }
  }

  const Unigram& model_;
  std::string_view text_;
  std::array<Node, kSmall> small_;
  std::vector<Node> large_;
  Node* nodes_ = small_.data();
  std::vector<double> margins_;
  size_t furthest_ = 0;
};

absl::StatusOr<std::unique_ptr<const Unigram>> Unigram::Create(UnigramPieces pieces,
                                                               const Options& options,
                                                               std::string_view source) {
  const size_t count = pieces.spans.size();
  if (count == 0 || count > kMaxTokens) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": expected 1 to ", kMaxTokens, " pieces, found ", count));
  }
  for (size_t i = 0; i < count; ++i) {
    const Span span = pieces.spans[i];
    const auto piece = std::string_view(pieces.text).substr(span.begin, span.end - span.begin);
    const std::string fault = FindFault(piece, pieces.scores[i]);
    if (!fault.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(source, "[", i, "]: ", fault));
    }
  }
  if (options.unknown_id < 0 || static_cast<size_t>(options.unknown_id) >= count) {
    return absl::InvalidArgumentError(absl::StrCat(source,
                                                   ": expected the unknown piece to be 0 to ",
                                                   count - 1, ", found ", options.unknown_id));
  }
  Vocabulary vocabulary(std::move(pieces.text), std::move(pieces.spans));
  if (const auto& duplicate = vocabulary.duplicate()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, "[", duplicate->second, "]: expected a new piece, found ",
                     Quoted(vocabulary.token(duplicate->second)), " of [", duplicate->first, "]"));
  }
  return std::unique_ptr<const Unigram>(
      new Unigram(std::move(vocabulary), std::move(pieces), options));
}

Unigram::Unigram(Vocabulary vocabulary, UnigramPieces pieces, const Options& options)
    : vocabulary_(std::move(vocabulary)),
      options_(options),
      scores_(std::move(pieces.scores)),
      types_(std::move(pieces.types)),
      trie_(FindablePieces()) {
  const bool like_sentencepiece = options_.peer == UnigramPeer::kSentencePiece;
  double worst = like_sentencepiece ? std::numeric_limits<float>::max()
                                    : std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < scores_.size(); ++i) {
    const std::string_view piece = vocabulary_.token(static_cast<int32_t>(i));
    if (!like_sentencepiece || types_[i] == PieceType::kNormal) worst = std::min(worst, scores_[i]);
    if (MayBeFound(i) && piece.find(kWordMark, 1) != piece.npos) words_are_apart_ = false;
    if (like_sentencepiece && types_[i] == PieceType::kUserDefined) {
      // sentencepiece's bonus, in its own mix of precisions.
      scores_[i] = static_cast<float>(0.1 * static_cast<double>(piece.size() - 1));
    }
  }
  unknown_score_ = like_sentencepiece
                       ? static_cast<float>(worst) - static_cast<float>(kUnknownPenalty)
                       : worst - kUnknownPenalty;
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    byte_ids_[byte] = vocabulary_.Find(absl::StrFormat("<0x%02X>", byte)).value_or(-1);
  }
}

bool Unigram::MayBeFound(size_t id) const {
  return options_.peer == UnigramPeer::kTokenizers || types_[id] == PieceType::kNormal ||
         types_[id] == PieceType::kUserDefined;
}

std::vector<std::pair<std::string_view, uint32_t>> Unigram::FindablePieces() const {
  std::vector<std::pair<std::string_view, uint32_t>> pieces;
  pieces.reserve(vocabulary_.size());
  for (size_t i = 0; i < vocabulary_.size(); ++i) {
    if (MayBeFound(i)) {
      pieces.emplace_back(vocabulary_.token(static_cast<int32_t>(i)), static_cast<uint32_t>(i));
    }
  }
  return pieces;
}

std::optional<std::string_view> Unigram::IdToToken(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) >= vocabulary_.size()) return std::nullopt;
  return vocabulary_.token(id);
}

void Unigram::Tokenize(std::string_view word, std::vector<ModelToken>& tokens) const {
  Lattice lattice(*this, word);
  if (options_.peer == UnigramPeer::kSentencePiece) {
    lattice.Fill<float>(0);
  } else {
    lattice.Fill<double>(0);
  }
  AppendTokens(word, lattice, tokens);
}

void Unigram::TokenizeNext(std::string_view word, float& score,
                           std::vector<ModelToken>& tokens) const {
  Lattice lattice(*this, word);
  lattice.Fill<float>(score);
  score = static_cast<float>(lattice.node(word.size()).score);
  AppendTokens(word, lattice, tokens);
}

bool Unigram::TokenizeAnywhere(std::string_view word, std::vector<ModelToken>& tokens) const {
  const size_t first = tokens.size();
  Lattice lattice(*this, word);
  lattice.Fill<double, true>(0);
  AppendTokens(word, lattice, tokens);
  if (std::abs(lattice.node(word.size()).score) > kScoreLimit) return false;
  // Sums that matter stay below twice the limit. Each of at most word.size() additions is off by
  // at most half of the distance of two floats there, and two sums are compared.
  constexpr double kFloatStep = 2 * kScoreLimit / (1 << std::numeric_limits<float>::digits);
  if (lattice.Margin() <= kFloatStep * static_cast<double>(word.size())) return false;
  // The score of an unknown character is not that of the unknown piece.
  return std::none_of(tokens.begin() + static_cast<std::ptrdiff_t>(first), tokens.end(),
                      [this](const ModelToken& token) {
                        const auto id = static_cast<size_t>(token.id);
                        return token.id == options_.unknown_id || types_[id] == PieceType::kByte;
                      });
}

void Unigram::AppendTokens(std::string_view text, const Lattice& lattice,
                           std::vector<ModelToken>& tokens) const {
  const size_t first = tokens.size();
  const bool each_char = options_.byte_fallback && options_.peer == UnigramPeer::kSentencePiece;
  for (size_t end = text.size(); end > 0;) {
    const Node& node = lattice.node(end);
    const Span span{node.start, static_cast<uint32_t>(end)};
    end = node.start;
    const bool unknown = node.id == options_.unknown_id;
    // The row of tokens still stands in reverse.
    if (unknown && !each_char && tokens.size() > first && tokens.back().id == options_.unknown_id) {
      tokens.back().span.begin = span.begin;
    } else {
      tokens.push_back({node.id, span});
    }
  }
  std::reverse(tokens.begin() + static_cast<std::ptrdiff_t>(first), tokens.end());
  ReplaceUnknown(text, first, tokens);
}

void Unigram::ReplaceUnknown(std::string_view text, size_t first,
                             std::vector<ModelToken>& tokens) const {
  if (options_.peer == UnigramPeer::kSentencePiece && !options_.byte_fallback) return;
  const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(first);
  const auto is_unknown = [this](const ModelToken& token) {
    return token.id == options_.unknown_id;
  };
  if (std::none_of(begin, tokens.end(), is_unknown)) return;
  const std::vector<ModelToken> row(begin, tokens.end());
  tokens.resize(first);
  for (const ModelToken& token : row) {
    if (is_unknown(token)) {
      AppendUnknown(text, token.span, tokens);
    } else {
      tokens.push_back(token);
    }
  }
}

void Unigram::AppendUnknown(std::string_view text, Span span,
                            std::vector<ModelToken>& tokens) const {
  const std::string_view surface = text.substr(span.begin, span.end - span.begin);
  if (options_.peer == UnigramPeer::kTokenizers) {
    if (const auto id = vocabulary_.Find(surface)) return tokens.push_back({*id, span});
  }
  const auto byte_id = [this](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
  const bool has_bytes =
      std::all_of(surface.begin(), surface.end(), [&](char byte) { return byte_id(byte) >= 0; });
  if (!options_.byte_fallback || !has_bytes) {
    return tokens.push_back({options_.unknown_id, span});
  }
  for (const char byte : surface) tokens.push_back({byte_id(byte), span});
}

}  // namespace graft
