"""Small random models of every family, and what transformers makes of them: for the golden folders
(generate_families.py) and the live comparison (tests/parity/family_models_parity.py).

A case is a row of CASES: a name, a class of transformers and the members of its config. Weights are
random and large enough to make attention uneven and activations leave their linear range.
"""

import inspect
import json
import os

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.core_model_loading import revert_weight_conversion

VOCABULARY = 40
BERT = dict(vocab_size=VOCABULARY, hidden_size=12, num_hidden_layers=2, num_attention_heads=3,
            intermediate_size=20, max_position_embeddings=32)
ROBERTA = dict(BERT, max_position_embeddings=34, type_vocab_size=1, pad_token_id=1,
               layer_norm_eps=1e-5)
DISTILBERT = dict(vocab_size=VOCABULARY, dim=12, n_layers=2, n_heads=3, hidden_dim=20,
                  max_position_embeddings=32)
ELECTRA = dict(BERT, embedding_size=8)
GPT2 = dict(vocab_size=VOCABULARY, n_embd=12, n_layer=2, n_head=3, n_positions=32,
            bos_token_id=None, eos_token_id=None)
ALBERT = dict(BERT, embedding_size=8)
MOBILEBERT = dict(BERT, embedding_size=5, intra_bottleneck_size=6, num_feedforward_networks=2)
MPNET = dict(BERT, max_position_embeddings=34, layer_norm_eps=1e-5)
DEBERTA = dict(BERT, relative_attention=True, pos_att_type=["p2c", "c2p"],
               position_biased_input=False, type_vocab_size=0, layer_norm_eps=1e-7)
DEBERTA_V3 = dict(DEBERTA, position_buckets=8, norm_rel_ebd="layer_norm", share_att_key=True)
MODERNBERT = dict(BERT, pad_token_id=0, bos_token_id=1, cls_token_id=1, eos_token_id=2,
                  sep_token_id=2, local_attention=6)

NOMIC = dict(BERT, pad_token_id=0)
GTE = dict(BERT, pad_token_id=1)

# name, class of transformers, members of its config. Sequence heads have three labels, token heads
# five.
CASES = [
    ("albert", "AlbertForSequenceClassification", dict(ALBERT, num_labels=3)),
    ("albert-bare", "AlbertModel", dict(ALBERT, num_hidden_layers=1)),
    ("albert-groups", "AlbertForTokenClassification",
     dict(ALBERT, num_hidden_layers=3, num_hidden_groups=2, embedding_size=12, num_labels=5)),
    ("albert-inner", "AlbertForSequenceClassification",
     dict(ALBERT, inner_group_num=2, hidden_act="gelu", layer_norm_eps=1e-6, num_labels=3)),
    ("albert-language", "AlbertForMaskedLM", dict(ALBERT, type_vocab_size=1, hidden_act="relu")),
    ("albert-untied", "AlbertForMaskedLM", dict(ALBERT, tie_word_embeddings=False)),
    ("bert-bare", "BertModel", dict(BERT, num_hidden_layers=1)),
    ("bert-gelu-new", "BertForSequenceClassification",
     dict(BERT, hidden_act="gelu_new", num_labels=3)),
    ("bert-relu", "BertForTokenClassification",
     dict(BERT, hidden_act="relu", type_vocab_size=3, layer_norm_eps=1e-6, num_labels=5)),
    ("bert-silu", "BertForMaskedLM", dict(BERT, hidden_act="silu", num_attention_heads=2)),
    ("bert-untied", "BertForMaskedLM", dict(BERT, tie_word_embeddings=False)),
    ("camembert", "CamembertForTokenClassification", dict(ROBERTA, num_labels=5)),
    ("deberta", "DebertaForSequenceClassification",
     dict(DEBERTA, pos_att_type=["c2p", "p2c"], cls_dropout=0.2, num_labels=3)),
    ("deberta-absolute", "DebertaForMaskedLM",
     dict(DEBERTA, relative_attention=False, position_biased_input=True, type_vocab_size=2,
          legacy=False)),
    ("deberta-clamped", "DebertaForTokenClassification",
     dict(DEBERTA, pos_att_type=["c2p"], max_relative_positions=6, position_biased_input=True,
          type_vocab_size=3, hidden_act="relu", num_labels=5)),
    ("deberta-language", "DebertaForMaskedLM",
     dict(DEBERTA, pos_att_type=["p2c"], embedding_size=8, num_attention_heads=2)),
    # Log buckets and a convolution, as in the published v2; v3 is the same without it.
    ("deberta-v2", "DebertaV2ForTokenClassification",
     dict(DEBERTA_V3, conv_kernel_size=3, conv_act="gelu", conv_groups=2, num_labels=5)),
    ("deberta-v2-absolute", "DebertaV2ForTokenClassification",
     dict(DEBERTA, relative_attention=False, position_biased_input=True, type_vocab_size=3,
          conv_kernel_size=5, num_labels=5)),
    ("deberta-v2-clamped", "DebertaV2ForSequenceClassification",
     dict(DEBERTA, pos_att_type=["c2p"], max_relative_positions=6, position_biased_input=True,
          type_vocab_size=2, hidden_act="gelu_new", pooler_hidden_act="tanh", num_labels=3)),
    ("deberta-v2-language", "DebertaV2ForMaskedLM",
     dict(DEBERTA_V3, embedding_size=8, position_buckets=7, max_relative_positions=16,
          norm_rel_ebd="none", share_att_key=False)),
    ("deberta-v2-new-language", "DebertaV2ForMaskedLM",
     dict(DEBERTA_V3, pos_att_type=["p2c"], share_att_key=False, legacy=False)),
    ("deberta-v3", "DebertaV2ForSequenceClassification",
     dict(DEBERTA_V3, attention_head_size=4, num_labels=3)),
    ("distilbert", "DistilBertForSequenceClassification", dict(DISTILBERT, num_labels=3)),
    ("distilbert-relu", "DistilBertForTokenClassification",
     dict(DISTILBERT, activation="relu", num_labels=5)),
    ("distilbert-language", "DistilBertForMaskedLM", dict(DISTILBERT, n_layers=1)),
    ("electra", "ElectraForSequenceClassification", dict(ELECTRA, num_labels=3)),
    ("electra-generator", "ElectraForMaskedLM", ELECTRA),
    ("electra-square", "ElectraForTokenClassification",
     dict(ELECTRA, embedding_size=12, hidden_act="gelu_new", num_labels=5)),
    ("gpt2", "GPT2ForSequenceClassification",
     dict(GPT2, num_labels=3, layer_norm_epsilon=1e-4, n_inner=20)),
    ("gpt2-language", "GPT2LMHeadModel",
     dict(GPT2, scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True, n_inner=20)),
    ("gpt2-unscaled", "GPT2ForTokenClassification",
     dict(GPT2, n_head=2, scale_attn_weights=False, activation_function="relu", num_labels=5)),
    ("gpt2-untied", "GPT2LMHeadModel",
     dict(GPT2, n_layer=1, n_head=1, n_inner=13, tie_word_embeddings=False)),
    ("gte", "GteForSequenceClassification", dict(GTE, num_labels=3)),
    ("gte-language", "GteForMaskedLM",
     dict(GTE, hidden_act="silu", num_attention_heads=2,
          rope_parameters={"rope_type": "linear", "rope_theta": 50.0, "factor": 1.5})),
    ("gte-native", "GteForTokenClassification",
     dict(GTE, type_vocab_size=0, layer_norm_eps=1e-6, num_labels=5)),
    ("gte-release", "GteForSequenceClassification",
     dict(GTE, type_vocab_size=0, num_labels=3,
          rope_parameters={"rope_type": "linear", "rope_theta": 2000.0, "factor": 4 ** (2 / 4)})),
    ("mobilebert", "MobileBertForSequenceClassification", dict(MOBILEBERT, num_labels=3)),
    ("mobilebert-attention", "MobileBertForTokenClassification",
     dict(MOBILEBERT, hidden_size=10, use_bottleneck_attention=True, num_feedforward_networks=1,
          normalization_type="layer_norm", layer_norm_eps=1e-3, hidden_act="gelu", num_labels=5)),
    ("mobilebert-bare", "MobileBertModel", dict(MOBILEBERT, num_hidden_layers=1)),
    ("mobilebert-language", "MobileBertForMaskedLM",
     dict(MOBILEBERT, normalization_type="layer_norm", trigram_input=False)),
    ("mobilebert-plain", "MobileBertForSequenceClassification",
     dict(MOBILEBERT, use_bottleneck=False, trigram_input=False, embedding_size=12,
          classifier_activation=False, num_labels=3)),
    ("mobilebert-square", "MobileBertForMaskedLM",
     dict(MOBILEBERT, key_query_shared_bottleneck=False, intra_bottleneck_size=12,
          embedding_size=12, num_feedforward_networks=1, num_hidden_layers=1)),
    ("mobilebert-untied", "MobileBertForMaskedLM",
     dict(MOBILEBERT, tie_word_embeddings=False, type_vocab_size=1,
          num_feedforward_networks=1)),
    ("modernbert", "ModernBertForSequenceClassification",
     dict(MODERNBERT, num_labels=3)),
    ("modernbert-biases", "ModernBertForTokenClassification",
     dict(MODERNBERT, layer_types=["sliding_attention", "full_attention"],
          local_attention=5, attention_bias=True, mlp_bias=True, norm_bias=True,
          classifier_bias=True, classifier_activation="silu", hidden_activation="gelu_new",
          norm_eps=1e-6, num_labels=5)),
    ("modernbert-language", "ModernBertForMaskedLM",
     dict(MODERNBERT, global_attn_every_n_layers=1, num_attention_heads=2,
          sparse_prediction=True)),
    ("modernbert-mean", "ModernBertForSequenceClassification",
     dict(MODERNBERT, classifier_pooling="mean", norm_bias=True,
          local_attention=1, num_labels=3,
          rope_parameters={
              "full_attention": {"rope_type": "default", "rope_theta": 500.0},
              "sliding_attention": {"rope_type": "linear", "rope_theta": 20.0, "factor": 2.5}})),
    ("modernbert-untied", "ModernBertForMaskedLM",
     dict(MODERNBERT, tie_word_embeddings=False, decoder_bias=False)),
    ("mpnet", "MPNetForSequenceClassification", dict(MPNET, num_labels=3)),
    ("mpnet-language", "MPNetForMaskedLM",
     dict(MPNET, pad_token_id=3, hidden_act="relu", layer_norm_eps=1e-12)),
    ("mpnet-long", "MPNetForTokenClassification",
     dict(MPNET, relative_attention_num_buckets=40, max_position_embeddings=160, num_labels=5,
          num_hidden_layers=1)),
    ("nomic-bert", "NomicBertForSequenceClassification", dict(NOMIC, num_labels=3)),
    ("nomic-bert-language", "NomicBertForMaskedLM",
     dict(NOMIC, hidden_act="gelu", head_dim=6, num_attention_heads=2,
          rope_parameters={"rope_type": "default", "rope_theta": 30.0})),
    ("nomic-bert-native", "NomicBertForTokenClassification",
     dict(NOMIC, type_vocab_size=3, head_dim=2, layer_norm_eps=1e-6, num_labels=5)),
    ("nomic-bert-release", "NomicBertModel", NOMIC),
    ("roberta", "RobertaForSequenceClassification", dict(ROBERTA, num_labels=3)),
    ("roberta-language", "RobertaForMaskedLM", dict(ROBERTA, pad_token_id=3, layer_norm_eps=1e-12)),
    ("xlm-roberta", "XLMRobertaForTokenClassification", dict(ROBERTA, num_labels=5)),
]

# Tokens of a case's texts, where the usual ones do not reach all of its mathematics.
LENGTHS = {"mpnet-long": [2, 150]}


def nomic_release(config):
    """What nomic-embed-text-v1.5 has as its config."""
    gates = {"silu": "swiglu", "gelu": "geglu", "sigmoid": "glu"}
    return {"activation_function": gates[config["hidden_act"]],
            "architectures": config["architectures"],
            "attn_pdrop": 0.0, "causal": False, "embd_pdrop": 0.0,
            "layer_norm_epsilon": config["layer_norm_eps"], "mlp_fc1_bias": False,
            "mlp_fc2_bias": False, "model_type": "nomic_bert", "n_embd": config["hidden_size"],
            "n_head": config["num_attention_heads"], "n_inner": config["intermediate_size"],
            "n_layer": config["num_hidden_layers"], "n_positions": 64,
            "pad_token_id": config["pad_token_id"],
            "pad_vocab_size_multiple": 8, "parallel_block": False, "prenorm": False,
            "qkv_proj_bias": False, "resid_pdrop": 0.0,
            "rotary_emb_base": config["rope_parameters"]["rope_theta"],
            "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False,
            "rotary_emb_scale_base": None, "rotary_scaling_factor": None,
            "type_vocab_size": config["type_vocab_size"], "use_rms_norm": False,
            "vocab_size": config["vocab_size"] - 3}


def gte_release(config):
    """What gte-base-en-v1.5 has as its config. Its scaling by F is theta F times as large and a
    linear scaling by F^(2 / d), with heads of width d."""
    rope = config.pop("rope_parameters")
    theta, scaling = rope["rope_theta"], None
    if "factor" in rope:
        width = config["hidden_size"] // config["num_attention_heads"]
        scaling = {"factor": rope["factor"] ** (width / 2), "type": "ntk"}
        theta /= scaling["factor"]
    head = config["architectures"][0].removeprefix("Gte")
    return {**config, "architectures": ["New" + head], "model_type": "new",
            "layer_norm_type": "layer_norm", "logn_attention_clip1": False,
            "logn_attention_scale": False, "pack_qkv": True, "position_embedding_type": "rope",
            "rope_scaling": scaling, "rope_theta": theta}


# Folders as others than transformers publish them, by model type: the config, and a prefix of the
# tensors for that of transformers.
RELEASES = {"gte": (gte_release, ("gte.", "new.")), "nomic_bert": (nomic_release, ("", ""))}
# Cases in that form, and those whose tensors have the names of the modules, where transformers
# writes those that were published.
FORMS = {"gte-release": "release", "nomic-bert-release": "release", "gte-native": "native",
         "nomic-bert-native": "native"}


def make_model(class_name, members, seed):
    """A model of this class in float32, without dropout."""
    model_class = getattr(transformers, class_name)
    config_class = model_class.config_class
    rates = {name: 0.0 for name in config_class().to_dict()
             if "dropout" in name or name in ("embd_pdrop", "attn_pdrop", "resid_pdrop")}
    config = config_class(**{**rates, **members})
    model = model_class(config).float()
    randomise(model, seed)
    return model.eval()


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() == 1:
                gain = name.endswith("weight")
                parameter.copy_(1 + 0.2 * noise if gain else 0.1 * noise)
            elif "embed" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(1.2 * noise / parameter.shape[-1] ** 0.5)
        for module in model.modules():
            if type(module).__name__ == "NoNorm":
                module.weight.mul_(0.6)  # or values grow from layer to layer


def save_model(model, folder, form=None):
    os.makedirs(folder, exist_ok=True)
    model.save_pretrained(folder, save_original_format=form != "native")
    path = f"{folder}/config.json"
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    # The library's version is no part of the model: without it the file stays the same.
    config.pop("transformers_version", None)
    if form == "release":
        rewrite, prefixes = RELEASES[model.config.model_type]
        config = rewrite(config)
        tensors = load_file(f"{folder}/model.safetensors")
        save_file(renamed(tensors, prefixes), f"{folder}/model.safetensors")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file, indent=1)
        file.write("\n")
    os.chmod(f"{folder}/model.safetensors", 0o644)
    if os.path.exists(f"{folder}/generation_config.json"):
        os.remove(f"{folder}/generation_config.json")


def renamed(tensors, prefixes):
    """The tensors with the second prefix in the place of the first."""
    old, new = prefixes
    return {new + name[len(old):] if name.startswith(old) else name: tensor
            for name, tensor in tensors.items()}


def make_texts(model, lengths, seed):
    """[(ids, type ids)] of these lengths. Ids below 5 stand for special tokens; the padding's is
    among those that occur."""
    generator = torch.Generator().manual_seed(seed)
    types = getattr(model.config, "type_vocab_size", 0) or 1
    texts = []
    for length in lengths:
        ids = torch.randint(0, model.config.vocab_size, (length,), generator=generator)
        type_ids = torch.randint(0, types, (length,), generator=generator).sort().values
        texts.append((ids, type_ids))
    return texts


def forward(model, ids, type_ids, mask=None):
    inputs = {"input_ids": ids, "output_hidden_states": True}
    if mask is not None:
        inputs["attention_mask"] = mask
    takes_types = "token_type_ids" in inspect.signature(model.forward).parameters
    if takes_types and getattr(model.config, "type_vocab_size", 0):
        inputs["token_type_ids"] = type_ids
    return model(**inputs)


def text_loss(model, output, number):
    """Cross entropy of a classifier, with labels 0, 1, ... in turn; else half the squared length of
    the mean over the tokens."""
    name = type(model).__name__
    if name.endswith("ForSequenceClassification"):
        label = torch.tensor([number % model.config.num_labels])
        return torch.nn.functional.cross_entropy(output.logits, label)
    if name.endswith("ForTokenClassification"):
        logits = output.logits[0]
        labels = torch.arange(len(logits)) % model.config.num_labels
        return torch.nn.functional.cross_entropy(logits, labels)
    return (output.hidden_states[-1].mean(dim=1) ** 2).sum() / 2


def expected_values(model, texts):
    """What the model gives for each text by itself, and the gradients of the mean loss."""
    tensors, total = {}, 0.0
    model.zero_grad()
    for i, (ids, type_ids) in enumerate(texts):
        output = forward(model, ids[None], type_ids[None])
        loss = text_loss(model, output, i) / len(texts)
        loss.backward()
        total += loss.item()
        tensors[f"text{i}.ids"], tensors[f"text{i}.type_ids"] = ids, type_ids
        for k, hidden in enumerate(output.hidden_states):
            tensors[f"text{i}.hidden.{k}"] = hidden[0]
        if "logits" in output:
            tensors[f"text{i}.logits"] = output.logits[0]
        if output.get("pooler_output") is not None:
            tensors[f"text{i}.pooled"] = output.pooler_output[0]
    tensors["loss"] = torch.tensor([total])
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()
                 if parameter.grad is not None}
    # Under the names that the tensors have in files.
    gradients = revert_weight_conversion(model, gradients)
    tensors.update({f"grad.{name}": gradient for name, gradient in gradients.items()})
    return tensors


def padded_values(model, texts):
    """What the model gives for all texts in one batch, padded on the right; without gradients."""
    lengths = [len(ids) for ids, _ in texts]
    ids = torch.full((len(texts), max(lengths)), model.config.pad_token_id or 0)
    type_ids, mask = torch.zeros_like(ids), torch.zeros_like(ids)
    for i, (own_ids, own_types) in enumerate(texts):
        ids[i, :lengths[i]], type_ids[i, :lengths[i]] = own_ids, own_types
        mask[i, :lengths[i]] = 1
    with torch.no_grad():
        output = forward(model, ids, type_ids, mask)
    tensors = {}
    for i, length in enumerate(lengths):
        for k, hidden in enumerate(output.hidden_states):
            tensors[f"text{i}.hidden.{k}"] = hidden[i, :length]
        if "logits" in output:
            logits = output.logits[i]
            tensors[f"text{i}.logits"] = logits[:length] if logits.dim() == 2 else logits
        if output.get("pooler_output") is not None:
            tensors[f"text{i}.pooled"] = output.pooler_output[i]
    return tensors


def save_expected(tensors, path, model, form=None):
    if form == "release":
        old, new = RELEASES[model.config.model_type][1]
        tensors = renamed(tensors, (f"grad.{old}", f"grad.{new}"))
    kept = {name: (tensor.to(torch.int32) if "ids" in name.split(".")[-1] else
                   tensor.detach().float()).clone().contiguous() for name, tensor in tensors.items()}
    save_file(kept, path)
    os.chmod(path, 0o644)
