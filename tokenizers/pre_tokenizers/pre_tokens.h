// A normalized text and the pieces that it is cut into. Internal: not part of the installed
// headers.
#ifndef GRAFT_TOKENIZERS_PRE_TOKENIZERS_PRE_TOKENS_H_
#define GRAFT_TOKENIZERS_PRE_TOKENIZERS_PRE_TOKENS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizers/normalizers/normalized_text.h"

namespace graft {

// Bytes [begin, end) of the normalized text, or an added token, which stays as it is.
struct Piece {
  uint32_t begin = 0;
  uint32_t end = 0;
  int32_t added_token = -1;  // index in the list of added tokens
  Span span = {};            // of an added token: where it stands in the source
};

// One thread at a time.
class PreTokens {
 public:
  void Clear();
  // A piece of all that `text` holds, [begin, end) of it.
  void AddText(const NormalizedText& text);
  void AddPiece(size_t begin, size_t end);
  void AddToken(int32_t added_token, Span span);

  const NormalizedText& text() const { return text_; }
  const std::vector<Piece>& pieces() const { return pieces_; }
  std::string_view Text(const Piece& piece) const {
    return text_.text().substr(piece.begin, piece.end - piece.begin);
  }
  // Where the source of a piece begins.
  uint32_t SourceBegin(const Piece& piece) const { return text_.spans()[piece.begin].begin; }

  // Cuts each piece: split(text, emit) calls emit(begin, end) for the parts that stay, in order.
  template <typename Split>
  void SplitPieces(const Split& split) {
    next_.clear();
    for (const Piece& piece : pieces_) {
      if (piece.added_token >= 0) {
        next_.push_back(piece);
        continue;
      }
      split(Text(piece), [&](size_t begin, size_t end) {
        if (begin < end) {
          next_.push_back({static_cast<uint32_t>(piece.begin + begin),
                           static_cast<uint32_t>(piece.begin + end)});
        }
      });
    }
    pieces_.swap(next_);
  }

  // Writes the text of each piece anew: rewrite(piece, out) reads all of the piece's text. Changes
  // nothing when the text would become longer than it may.
  template <typename Rewrite>
  void RewritePieces(const Rewrite& rewrite) {
    TextRewriter out(text_);
    next_ = pieces_;
    for (Piece& piece : next_) {
      if (piece.added_token >= 0) continue;
      out.Skip(piece.begin - out.at());
      out.BeginPart(SourceBegin(piece));
      const uint32_t begin = static_cast<uint32_t>(out.written());
      rewrite(piece, out);
      piece.begin = begin;
      piece.end = static_cast<uint32_t>(out.written());
    }
    if (out.Commit()) pieces_.swap(next_);
  }

 private:
  NormalizedText text_;
  std::vector<Piece> pieces_;
  std::vector<Piece> next_;
};

}  // namespace graft

#endif  // GRAFT_TOKENIZERS_PRE_TOKENIZERS_PRE_TOKENS_H_
