#include "tokenizers/pipeline_encoder.h"

#include <limits>

#include "absl/log/absl_check.h"

namespace graft {

PipelineEncoder::PipelineEncoder(const Pipeline& pipeline)
    : pipeline_(pipeline),
      normalizers_(pipeline.parts.normalizers),
      pre_tokenizers_(pipeline.parts.pre_tokenizers) {}

void PipelineEncoder::AppendIds(std::string_view text, IdWriter& out) {
  MakePieces(text);
  for (const Piece& piece : pieces_.pieces()) {
    if (piece.added_token >= 0) {
      const int32_t id = AddedId(piece);
      out.Append({&id, 1});
      continue;
    }
    const std::vector<ModelToken>& tokens = Tokenize(piece);
    int32_t* ids = out.Room(tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) ids[i] = tokens[i].id;
    out.Advance(tokens.size());
  }
}

void PipelineEncoder::AppendEncoding(std::string_view text, int32_t type_id,
                                     std::optional<int32_t> word, Encoding& out) {
  MakePieces(text);
  const auto add = [&](int32_t id, Span span, size_t piece) {
    out.ids.push_back(id);
    out.type_ids.push_back(type_id);
    out.word_ids.push_back(word.value_or(static_cast<int32_t>(piece)));
    out.offsets.push_back(span);
    out.special_tokens_mask.push_back(0);
  };
  for (size_t i = 0; i < pieces_.pieces().size(); ++i) {
    const Piece& piece = pieces_.pieces()[i];
    if (piece.added_token >= 0) {
      add(AddedId(piece), piece.span, i);
      continue;
    }
    for (const ModelToken& token : Tokenize(piece)) {
      // A token of nothing stands where its piece begins.
      const Span span =
          token.span.begin < token.span.end
              ? pieces_.text().Source(piece.begin + token.span.begin, piece.begin + token.span.end)
              : Span{pieces_.SourceBegin(piece), pieces_.SourceBegin(piece)};
      add(token.id, span, i);
    }
  }
}

const std::vector<ModelToken>& PipelineEncoder::Tokenize(const Piece& piece) {
  tokens_.clear();
  pipeline_.parts.model->Tokenize(pieces_.Text(piece), tokens_);
  return tokens_;
}

void PipelineEncoder::MakePieces(std::string_view text) {
  ABSL_CHECK_LE(text.size(), std::numeric_limits<uint32_t>::max()) << "spans are of 32 bits";
  pieces_.Clear();
  uint32_t at = 0;
  if (pipeline_.raw_tokens.MayMatch(text)) {
    for (const AddedTokenMatcher::Match& match : pipeline_.raw_tokens.Find(text)) {
      if (at < match.span.begin) AddSegment(text.substr(at, match.span.begin - at), at);
      pieces_.AddToken(static_cast<int32_t>(match.token), match.span);
      at = match.span.end;
    }
  }
  if (at < text.size()) AddSegment(text.substr(at), at);
  PreTokenize(pre_tokenizers_, pieces_);
}

void PipelineEncoder::AddSegment(std::string_view segment, uint32_t begin) {
  segment_.Assign(segment, begin);
  Normalize(normalizers_, segment_);
  const size_t base = pieces_.text().size();
  pieces_.AddText(segment_);
  size_t at = 0;
  if (pipeline_.normalized_tokens.MayMatch(segment_.text())) {
    for (const AddedTokenMatcher::Match& match :
         pipeline_.normalized_tokens.Find(segment_.text())) {
      pieces_.AddPiece(base + at, base + match.span.begin);
      pieces_.AddToken(static_cast<int32_t>(match.token),
                       segment_.Source(match.span.begin, match.span.end));
      at = match.span.end;
    }
  }
  pieces_.AddPiece(base + at, base + segment_.size());
}

}  // namespace graft
