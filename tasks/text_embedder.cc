#include "tasks/text_embedder.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "base/utf8.h"
#include "models/catch_errors.h"
#include "tasks/batching.h"
#include "tasks/encode_texts.h"
#include "tasks/encoder_folder.h"
#include "tasks/inference.h"
#include "tasks/model_folder.h"
#include "tasks/module_configs.h"
#include "tasks/sentence_pipeline.h"
#include "tokenizers/load_tokenizer.h"

namespace graft {

struct TextEmbedder::Impl {
  LoadedModel model;
  TransformerModule transformer;
  SentenceSettings settings;
  std::optional<SentencePipeline> pipeline;
  bool pooling_by_default = false;
  bool normalize = false;
  int last_stage = 0;
  int64_t dimensions = 0;
  size_t max_length = 0;
  std::string prompt;
  int64_t prompt_tokens = 0;  // that Pooling leaves out where it is asked to
};

namespace {

// x [B, W] -> [B, dimensions].
at::Tensor FirstColumns(const at::Tensor& x, int64_t dimensions) {
  return x.narrow(1, 0, dimensions).contiguous();
}

}  // namespace

// Members of Impl that only this file knows.
class EmbedderLoader {
 public:
  EmbedderLoader(TextEmbedder::Impl& impl, const EmbedderOptions& options)
      : impl_(impl), options_(options) {}

  absl::Status Load(const std::string& folder) {
    ABSL_ASSIGN_OR_RETURN(impl_.model, LoadEncoder(folder));
    ABSL_RETURN_IF_ERROR(SetTransformer());
    ABSL_RETURN_IF_ERROR(SetSettings());
    ABSL_RETURN_IF_ERROR(SetPipeline());
    ABSL_RETURN_IF_ERROR(SetLayer());
    ABSL_RETURN_IF_ERROR(SetDimensions());
    impl_.normalize = options_.normalize;
    return SetPrompt();
  }

 private:
  template <typename... Parts>
  static absl::Status Error(const Parts&... parts) {
    return absl::InvalidArgumentError(absl::StrCat(parts...));
  }

  bool HasModules() const { return !impl_.model.folder.modules.empty(); }

  // What the Transformer module says comes before what the tokenizer's files say, as in
  // sentence-transformers; no text is longer than the positions.
  absl::Status SetTransformer() {
    LoadedModel& model = impl_.model;
    const ModelFolder& folder = model.folder;
    int64_t length = folder.max_length;
    if (HasModules()) {
      ABSL_ASSIGN_OR_RETURN(impl_.transformer, ReadTransformerModule(folder.transformer));
      if (impl_.transformer.max_length) {
        length = std::min(folder.config.max_positions, *impl_.transformer.max_length);
      }
      if (impl_.transformer.lower_case) {
        ABSL_ASSIGN_OR_RETURN(model.tokenizer, LoadLowerCaseTokenizer(folder.transformer));
      }
    }
    return SetMaxLength(length);
  }

  // `said`: by the folder.
  absl::Status SetMaxLength(int64_t said) {
    const ModelFolder& folder = impl_.model.folder;
    const Tokenizer* tokenizer = impl_.model.tokenizer.get();
    const int64_t special =
        tokenizer == nullptr ? 0 : static_cast<int64_t>(tokenizer->special_tokens_per_text());
    const int64_t most = folder.config.max_positions;
    if (options_.max_length && (*options_.max_length <= special || *options_.max_length > most)) {
      return Error("max_length: expected ", special + 1, " to ", most, ", the positions of ",
                   folder.path, ", found ", *options_.max_length);
    }
    impl_.max_length = static_cast<size_t>(options_.max_length.value_or(said));
    if (static_cast<int64_t>(impl_.max_length) > special) return absl::OkStatus();
    const bool by_module = impl_.transformer.max_length == said;
    return Error(by_module ? absl::StrCat(impl_.transformer.path, ": max_seq_length")
                           : absl::StrCat(folder.path, ": the longest input"),
                 ": expected more than ", special, ", the special tokens of a text, found ", said);
  }

  absl::Status SetSettings() {
    const std::string path = JoinPath(impl_.model.folder.path, "config_sentence_transformers.json");
    if (!HasModules() || !PathExists(path)) return absl::OkStatus();
    ABSL_ASSIGN_OR_RETURN(impl_.settings, ReadSentenceSettings(path));
    return absl::OkStatus();
  }

  absl::Status SetPipeline() {
    const ModelFolder& folder = impl_.model.folder;
    if (HasModules()) {
      if (options_.pooling) {
        return Error("pooling: expected none, as ", JoinPath(folder.path, "modules.json"),
                     " says how to pool");
      }
      ABSL_ASSIGN_OR_RETURN(impl_.pipeline, SentencePipeline::Load(folder));
      return absl::OkStatus();
    }
    impl_.pooling_by_default = !options_.pooling;
    impl_.pipeline =
        SentencePipeline(options_.pooling.value_or(PoolingMode::kMean), folder.config.hidden_size);
    return absl::OkStatus();
  }

  absl::Status SetLayer() {
    const int layers = impl_.model.backbone->layers();
    impl_.last_stage = layers;
    if (!options_.layer) return absl::OkStatus();
    if (*options_.layer < 0 || *options_.layer > layers) {
      return Error("layer: expected 0 to ", layers, ", the layers of ", impl_.model.folder.path,
                   ", found ", *options_.layer);
    }
    impl_.last_stage = static_cast<int>(*options_.layer);
    return absl::OkStatus();
  }

  absl::Status SetDimensions() {
    const int64_t width = impl_.pipeline->width();
    impl_.dimensions = width;
    if (options_.dimensions) {
      if (*options_.dimensions < 1 || *options_.dimensions > width) {
        return Error("dims: expected 1 to ", width, ", the numbers of a vector of ",
                     impl_.model.folder.path, ", found ", *options_.dimensions);
      }
      impl_.dimensions = *options_.dimensions;
    } else if (impl_.settings.dimensions) {
      impl_.dimensions = std::min(width, *impl_.settings.dimensions);
    }
    return absl::OkStatus();
  }

  absl::Status SetPrompt() {
    if (options_.prompt) {
      impl_.prompt = *options_.prompt;
    } else if (options_.prompt_name) {
      ABSL_ASSIGN_OR_RETURN(impl_.prompt, FindPrompt(*options_.prompt_name));
    } else {
      SetPromptOfUse();
    }
    return CountPrompt();
  }

  absl::StatusOr<std::string> FindPrompt(const std::string& name) const {
    const auto& prompts = impl_.settings.prompts;
    const auto found = prompts.find(name);
    if (found != prompts.end()) return found->second;
    const std::string names = absl::StrJoin(prompts, ", ", [](std::string* out, const auto& entry) {
      absl::StrAppend(out, "'", entry.first, "'");
    });
    return Error("prompt: expected a prompt of ", impl_.model.folder.path, " (",
                 names.empty() ? "it has none" : names, "), found '", name, "'");
  }

  // sentence-transformers gives every folder the prompts `query` and `document`, empty where the
  // folder has none of that name: the default prompt is then not used, nor `passage` and `corpus`.
  void SetPromptOfUse() {
    const auto& prompts = impl_.settings.prompts;
    if (options_.use == PromptUse::kNone) {
      if (impl_.settings.default_prompt) {
        impl_.prompt = prompts.at(*impl_.settings.default_prompt);
      }
      return;
    }
    const auto found = prompts.find(options_.use == PromptUse::kQuery ? "query" : "document");
    if (found != prompts.end()) impl_.prompt = found->second;
  }

  // How many tokens sentence-transformers takes for the prompt's: those of the prompt alone, less
  // the special token at its end.
  absl::Status CountPrompt() {
    // Words in front of others are words: models over them know no prompts.
    if (impl_.prompt.empty() || impl_.model.words != nullptr) return absl::OkStatus();
    const Encoding encoding =
        impl_.model.tokenizer->Encode(impl_.prompt, {.max_length = impl_.max_length});
    if (encoding.cut_off > 0) {
      return Error("prompt: expected one of less than ", impl_.max_length,
                   " tokens, the longest input of ", impl_.model.folder.path, ", found ",
                   encoding.size() + encoding.cut_off);
    }
    impl_.prompt_tokens = static_cast<int64_t>(encoding.size());
    if (encoding.size() > 0 && encoding.special_tokens_mask.back() != 0) --impl_.prompt_tokens;
    return absl::OkStatus();
  }

  TextEmbedder::Impl& impl_;
  const EmbedderOptions& options_;
};

namespace {

// The texts behind their prompt.
std::vector<std::string> Prompted(const std::string& prompt,
                                  absl::Span<const std::string_view> texts) {
  std::vector<std::string> prompted;
  prompted.reserve(texts.size());
  for (const std::string_view text : texts) prompted.push_back(absl::StrCat(prompt, text));
  return prompted;
}

absl::Status CheckFinite(const Embeddings& embeddings, absl::Span<const std::string_view> texts,
                         const std::string& folder) {
  const auto bad = std::find_if(embeddings.values.begin(), embeddings.values.end(),
                                [](float v) { return !std::isfinite(v); });
  if (bad == embeddings.values.end()) return absl::OkStatus();
  const int64_t place = bad - embeddings.values.begin();
  return absl::InvalidArgumentError(
      absl::StrCat(folder, ": expected weights that give finite numbers, found ", *bad,
                   " in the vector of ", Quoted(texts[place / embeddings.dimensions])));
}

}  // namespace

TextEmbedder::TextEmbedder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TextEmbedder::TextEmbedder(TextEmbedder&&) noexcept = default;
TextEmbedder& TextEmbedder::operator=(TextEmbedder&&) noexcept = default;
TextEmbedder::~TextEmbedder() = default;

absl::StatusOr<TextEmbedder> TextEmbedder::Load(const std::string& folder,
                                                const EmbedderOptions& options) {
  if (options.prompt && options.prompt_name) {
    return absl::InvalidArgumentError("expected a prompt by name or by its text, found both");
  }
  auto impl = std::make_unique<Impl>();
  ABSL_RETURN_IF_ERROR(
      CatchErrors(folder, [&] { return EmbedderLoader(*impl, options).Load(folder); }));
  return TextEmbedder(std::move(impl));
}

// Runs the encoded texts, as many at once as ComputeLogits does.
Embeddings TextEmbedder::Compute(EncodedTexts encoded) const {
  const Impl& impl = *impl_;
  const c10::AutoGradMode no_grad(false);
  const auto count = static_cast<int64_t>(encoded.tokens.starts.size()) - 1;
  Embeddings result;
  result.dimensions = impl.dimensions;
  result.values.resize(count * impl.dimensions);
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  size_t begin = 0;
  for (const size_t end : CutByTokens(encoded.tokens, order, kInferenceTokens)) {
    const Batch batch = PackBatch(encoded, absl::MakeConstSpan(order).subspan(begin, end - begin));
    const at::Tensor hidden =
        impl.model.backbone->Run(batch, at::Tensor(), 0, impl.last_stage, PassOptions());
    at::Tensor rows = FirstColumns(impl.pipeline->Run(hidden, batch.segments, impl.prompt_tokens),
                                   impl.dimensions);  // [B, D]
    if (impl.normalize) NormalizeRows(rows);
    std::copy_n(rows.const_data_ptr<float>(), rows.numel(),
                result.values.begin() + static_cast<int64_t>(begin) * impl.dimensions);
    begin = end;
  }
  for (int64_t i = 0; i < count; ++i) {
    result.tokens.push_back(encoded.tokens.starts[i + 1] - encoded.tokens.starts[i]);
  }
  result.cut_off = std::move(encoded.tokens.cut_off);
  return result;
}

absl::StatusOr<Embeddings> TextEmbedder::Embed(absl::Span<const std::string_view> texts) const {
  const Impl& impl = *impl_;
  return CatchErrors(impl.model.folder.path, [&]() -> absl::StatusOr<Embeddings> {
    const std::vector<std::string> prompted =
        impl.prompt.empty() ? std::vector<std::string>() : Prompted(impl.prompt, texts);
    const std::vector<std::string_view> views(prompted.begin(), prompted.end());
    const auto read = impl.prompt.empty() ? texts : absl::MakeConstSpan(views);
    ABSL_ASSIGN_OR_RETURN(EncodedTexts encoded,
                          EncodeTexts(impl.model, read, static_cast<int64_t>(impl.max_length)));
    Embeddings result;
    {
      const ComputeTurn turn;
      result = Compute(std::move(encoded));
    }
    ABSL_RETURN_IF_ERROR(CheckFinite(result, texts, impl.model.folder.path));
    return result;
  });
}

absl::StatusOr<Embeddings> TextEmbedder::Embed(absl::Span<const std::string> texts) const {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return Embed(absl::MakeConstSpan(views));
}

int64_t TextEmbedder::dimensions() const { return impl_->dimensions; }
size_t TextEmbedder::max_length() const { return impl_->max_length; }
std::string TextEmbedder::pooling() const { return impl_->pipeline->Describe(); }
bool TextEmbedder::pooling_by_default() const { return impl_->pooling_by_default; }
const std::string& TextEmbedder::prompt() const { return impl_->prompt; }
const std::string& TextEmbedder::similarity() const { return impl_->settings.similarity; }

absl::StatusOr<ModelFingerprint> TextEmbedder::Fingerprint() const {
  const Impl& impl = *impl_;
  const ModelFolder& folder = impl.model.folder;
  std::vector<std::string> paths = folder.files;
  const std::vector<std::string>& modules = impl.pipeline->files();
  paths.insert(paths.end(), modules.begin(), modules.end());
  if (!impl.transformer.path.empty()) paths.push_back(impl.transformer.path);
  ModelFingerprint fingerprint;
  ABSL_ASSIGN_OR_RETURN(fingerprint.files, HashFiles(folder.path, paths));
  fingerprint.options = {{"pooling", impl.pipeline->Describe()},
                         {"layer", absl::StrCat(impl.last_stage)},
                         {"dims", absl::StrCat(impl.dimensions)},
                         {"normalize", impl.normalize ? "true" : "false"},
                         {"max_length", absl::StrCat(impl.max_length)}};
  return fingerprint;
}

}  // namespace graft
