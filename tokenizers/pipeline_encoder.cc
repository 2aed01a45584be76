#include "tokenizers/pipeline_encoder.h"

#include <limits>
#include <utility>

#include "absl/log/absl_check.h"

namespace graft {

PipelineEncoder::PipelineEncoder(const Pipeline& pipeline, std::unique_ptr<SegmentLane> lane)
    : pipeline_(pipeline),
      lane_(std::move(lane)),
      normalizers_(pipeline.parts.normalizers),
      pre_tokenizers_(pipeline.parts.pre_tokenizers) {}

template <typename UseToken, typename UseSegment>
void PipelineEncoder::ForEachPart(std::string_view text, const UseToken& use_token,
                                  const UseSegment& use_segment) {
  ABSL_CHECK_LE(text.size(), std::numeric_limits<uint32_t>::max()) << "spans are of 32 bits";
  BeginText(normalizers_, text.size());
  BeginText(pre_tokenizers_, text.size());
  uint32_t at = 0;
  if (pipeline_.raw_tokens.MayMatch(text)) {
    for (const AddedTokenMatcher::Match& match : pipeline_.raw_tokens.Find(text)) {
      if (at < match.span.begin) use_segment(text.substr(at, match.span.begin - at), at);
      use_token(match.token, match.span);
      at = match.span.end;
    }
  }
  if (at < text.size()) use_segment(text.substr(at), at);
}

void PipelineEncoder::AppendIds(std::string_view text, IdWriter& out) {
  const auto use_token = [&](size_t token, Span /*span*/) {
    const int32_t id = AddedId(token);
    out.Append({&id, 1});
  };
  ForEachPart(text, use_token, [&](std::string_view segment, uint32_t begin) {
    if (lane_ != nullptr && lane_->AppendIds(segment, begin, out)) return;
    MakePieces(segment, begin);
    for (const Piece& piece : pieces_.pieces()) {
      if (piece.added_token >= 0) {
        use_token(static_cast<size_t>(piece.added_token), piece.span);
        continue;
      }
      const std::vector<ModelToken>& tokens = Tokenize(piece);
      int32_t* ids = out.Room(tokens.size());
      for (size_t i = 0; i < tokens.size(); ++i) ids[i] = tokens[i].id;
      out.Advance(tokens.size());
    }
  });
}

void PipelineEncoder::AppendTokens(std::string_view text, TokenWriter& out) {
  const auto use_token = [&](size_t token, Span span) {
    out.Add(AddedId(token), span);
    out.EndWord();
  };
  ForEachPart(text, use_token, [&](std::string_view segment, uint32_t begin) {
    if (lane_ != nullptr && lane_->AppendTokens(segment, begin, out)) return;
    MakePieces(segment, begin);
    for (const Piece& piece : pieces_.pieces()) {
      if (piece.added_token >= 0) {
        use_token(static_cast<size_t>(piece.added_token), piece.span);
        continue;
      }
      for (const ModelToken& token : Tokenize(piece)) {
        // A token of nothing stands where its piece begins.
        out.Add(token.id, token.span.begin < token.span.end
                              ? pieces_.text().Source(piece.begin + token.span.begin,
                                                      piece.begin + token.span.end)
                              : Span{pieces_.SourceBegin(piece), pieces_.SourceBegin(piece)});
      }
      out.EndWord();
    }
  });
}

const std::vector<ModelToken>& PipelineEncoder::Tokenize(const Piece& piece) {
  tokens_.clear();
  pipeline_.parts.model->Tokenize(pieces_.Text(piece), tokens_);
  return tokens_;
}

void PipelineEncoder::MakePieces(std::string_view segment, uint32_t begin) {
  pieces_.Clear();
  segment_.Assign(segment, begin);
  Normalize(normalizers_, segment_);
  pieces_.AddText(segment_);
  size_t at = 0;
  if (pipeline_.normalized_tokens.MayMatch(segment_.text())) {
    for (const AddedTokenMatcher::Match& match :
         pipeline_.normalized_tokens.Find(segment_.text())) {
      pieces_.AddPiece(at, match.span.begin);
      pieces_.AddToken(static_cast<int32_t>(match.token),
                       segment_.Source(match.span.begin, match.span.end));
      at = match.span.end;
    }
  }
  pieces_.AddPiece(at, segment_.size());
  PreTokenize(pre_tokenizers_, pieces_);
}

}  // namespace graft
