"""Tokenizers of every family, made from vocabularies that are there and from models trained on the spot.

Each has a function that fills a folder and gives the peer: the tokenizer of the Python package `tokenizers`, or what
transformers makes of the folder. The layouts called "published" are those of the tokenizer.json files that go round with
the family's models; transformers 5 builds others from the family's own files.
"""

import io
import json
import os
import shutil

import sentencepiece
from tokenizers import (AddedToken, Regex, Tokenizer, decoders as D, models, normalizers as N, pre_tokenizers as P,
                        processors as R, trainers)

from component_parity import PATTERNS

os.environ.setdefault("HF_HUB_OFFLINE", "1")
MARK = "\u2581"


def template(peer, single, pair):
    names = {part.split(":")[0] for part in (single + " " + pair).split() if not part.startswith("$")}
    peer.post_processor = R.TemplateProcessing(single=single, pair=pair,
                                               special_tokens=[(name, peer.token_to_id(name)) for name in sorted(names)])


def saved(peer, root):
    peer.save(str(root / "tokenizer.json"))
    return peer


class Families:
    """`data`: the vocabularies. `lines`: what models are trained on."""

    def __init__(self, data, lines):
        self.vocabularies, self.lines, self.trained = data / "tokenizers", lines, {}

    def all(self):
        """(name, function that fills a folder), most used first."""
        return [("GPT-2", self.gpt2), ("RoBERTa", self.roberta), ("RoBERTa, spaces before", self.roberta_prefix),
                ("BERT uncased", self.bert("bert-base-uncased")), ("T5", self.t5), ("T5, published", self.t5_published),
                ("XLNet", self.xlnet), ("ALBERT", self.albert), ("ALBERT, published", self.albert_published),
                ("XLM-R", self.fairseq("XLMRobertaTokenizer", "sentencepiece-test")),
                ("XLM-R, several scripts", self.fairseq("XLMRobertaTokenizer", None)),
                ("XLM-R, published", self.xlmr_published), ("DeBERTa-v2", self.deberta2({})),
                ("DeBERTa-v2, words", self.deberta2({"do_lower_case": True, "split_by_punct": True})),
                ("DeBERTa-v3, published", self.deberta3_published), ("Llama", self.llama(True)),
                ("Llama, Metaspace", self.llama(False)), ("Gemma", self.gemma),
                ("Llama 3", self.byte_level("llama3")), ("Qwen2", self.byte_level("qwen2")),
                ("cl100k", self.byte_level("cl100k")), ("ModernBERT", self.byte_level("modernbert")),
                ("DeBERTa", self.deberta), ("BERT cased", self.bert("bert-base-cased", do_lower_case=False)),
                ("BERT Chinese", self.bert("bert-base-chinese")),
                ("BERT multilingual", self.bert("bert-base-multilingual-cased", do_lower_case=False)),
                ("DistilBERT", self.bert("bert-base-uncased", "DistilBertTokenizer")),
                ("ELECTRA", self.bert("bert-base-uncased", "ElectraTokenizer")),
                ("MobileBERT", self.bert("bert-base-uncased", "MobileBertTokenizer")),
                ("MPNet", self.mpnet), ("CamemBERT", self.fairseq("CamembertTokenizer", "sentencepiece-test")),
                ("Japanese Unigram", self.japanese), ("SentencePiece BPE", self.sentencepiece_bpe),
                ("WordLevel", self.word_level), ("CharBPE", self.char_bpe)]

    # From the family's own files.

    def auto(self, root, tokenizer_class, **config):
        from transformers import AutoTokenizer
        (root / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": tokenizer_class, **config}))
        return AutoTokenizer.from_pretrained(str(root)).backend_tokenizer

    def copy(self, root, folder, *names):
        for name in names:
            shutil.copy(self.vocabularies / folder / name, root / name)

    def bert(self, folder, tokenizer_class="BertTokenizer", **config):
        def fill(root):
            self.copy(root, folder, "vocab.txt")
            return self.auto(root, tokenizer_class, **config)
        return fill

    def mpnet(self, root):
        tokens = (self.vocabularies / "bert-base-uncased" / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
        tokens = ["<s>", "<pad>", "</s>", "<unk>", *tokens, "<mask>"]  # as Microsoft did it
        (root / "vocab.txt").write_text("".join(t + "\n" for t in tokens), encoding="utf-8")
        return self.auto(root, "MPNetTokenizer")

    def gpt2(self, root):
        self.copy(root, "gpt2", "vocab.json", "merges.txt")
        return self.auto(root, "GPT2Tokenizer")

    def roberta(self, root):
        self.copy(root, "roberta-base", "vocab.json", "merges.txt")
        return self.auto(root, "RobertaTokenizer")

    def roberta_prefix(self, root):
        self.copy(root, "roberta-base", "vocab.json", "merges.txt")
        return self.auto(root, "RobertaTokenizer", add_prefix_space=True, trim_offsets=False)

    def deberta(self, root):
        vocab = json.loads((self.vocabularies / "gpt2" / "vocab.json").read_text(encoding="utf-8"))
        for token in ("[CLS]", "[PAD]", "[SEP]", "[UNK]"):
            vocab[token] = len(vocab)
        (root / "vocab.json").write_text(json.dumps(vocab))
        self.copy(root, "gpt2", "merges.txt")
        return self.auto(root, "DebertaTokenizer")

    def t5(self, root):
        self.copy(root, "t5", "spiece.model")
        return self.auto(root, "T5Tokenizer")

    def xlnet(self, root):
        self.copy(root, "xlnet", "spiece.model")
        return self.auto(root, "XLNetTokenizer")

    def albert(self, root):
        self.copy(root, "albert", "spiece.model")
        return self.auto(root, "AlbertTokenizer")

    def fairseq(self, tokenizer_class, folder):
        """`folder` None: a model trained on all scripts."""
        source = {"sentencepiece-test": "test_sentencepiece.model"}

        def fill(root):
            blob = (self.vocabularies / folder / source[folder]).read_bytes() if folder else self.spm("unigram")
            (root / "sentencepiece.bpe.model").write_bytes(blob)
            return self.auto(root, tokenizer_class)
        return fill

    def deberta2(self, config):
        def fill(root):
            (root / "spm.model").write_bytes(self.spm("deberta"))
            return self.auto(root, "DebertaV2Tokenizer", **config)
        return fill

    # SentencePiece models trained here, and the published tokenizer.json around such models.

    def spm(self, name):
        settings = {"unigram": {}, "bpe": {"model_type": "bpe", "byte_fallback": True, "normalization_rule_name": "identity",
                                           "split_digits": True, "remove_extra_whitespaces": False},
                    "deberta": {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "pad_piece": "[PAD]", "bos_piece": "[CLS]",
                                "eos_piece": "[SEP]", "unk_piece": "[UNK]", "user_defined_symbols": ["[MASK]"]}}
        if name not in self.trained:
            sentencepiece.set_min_log_level(2)
            model = io.BytesIO()
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(self.lines), model_writer=model, num_threads=1, hard_vocab_limit=False,
                **{"vocab_size": 8000, "character_coverage": 0.999, **settings[name]})
            self.trained[name] = model.getvalue()
        return self.trained[name]

    @staticmethod
    def proto(blob):
        from sentencepiece import sentencepiece_model_pb2
        return sentencepiece_model_pb2.ModelProto.FromString(blob)

    def unigram(self, blob, before=(), after=(), skip=0, unknown=None):
        proto = self.proto(blob)
        pieces = [*before, *((p.piece, p.score) for p in proto.pieces[skip:]), *after]
        unknown = next(i for i, (p, _) in enumerate(pieces) if p == "<unk>") if unknown is None else unknown
        return Tokenizer(models.Unigram(pieces, unknown, False)), proto.normalizer_spec.precompiled_charsmap

    def t5_published(self, root):
        blob = (self.vocabularies / "t5" / "spiece.model").read_bytes()
        extra = [f"<extra_id_{i}>" for i in range(99, -1, -1)]
        peer, charsmap = self.unigram(blob, after=[(t, 0.0) for t in extra])
        peer.normalizer = N.Precompiled(charsmap)
        peer.pre_tokenizer = P.Sequence([P.WhitespaceSplit(), P.Metaspace()])
        peer.decoder = D.Metaspace()
        template(peer, "$A </s>", "$A </s> $B </s>")
        peer.add_special_tokens(["<pad>", "</s>", "<unk>", *extra])
        return saved(peer, root)

    def albert_published(self, root):
        peer, charsmap = self.unigram((self.vocabularies / "albert" / "spiece.model").read_bytes())
        peer.normalizer = N.Sequence([N.Replace("``", '"'), N.Replace("''", '"'), N.NFKD(), N.StripAccents(), N.Lowercase(),
                                      N.Precompiled(charsmap), N.Replace(Regex(" {2,}"), " ")])
        peer.pre_tokenizer = P.Sequence([P.WhitespaceSplit(), P.Metaspace()])
        peer.decoder = D.Metaspace()
        template(peer, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
        peer.add_special_tokens(["<pad>", "<unk>", "[CLS]", "[SEP]", AddedToken("[MASK]", lstrip=True, normalized=False)])
        return saved(peer, root)

    def xlmr_published(self, root):
        peer, charsmap = self.unigram(self.spm("unigram"), [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)],
                                      [("<mask>", 0.0)], 3)
        peer.normalizer = N.Sequence([N.Precompiled(charsmap), N.Replace(Regex(" {2,}"), " ")])
        peer.pre_tokenizer = P.Metaspace()
        peer.decoder = D.Metaspace()
        template(peer, "<s> $A </s>", "<s> $A </s> </s> $B </s>")
        peer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, normalized=False)])
        return saved(peer, root)

    def deberta3_published(self, root):
        peer, charsmap = self.unigram(self.spm("deberta"), unknown=3)
        peer.normalizer = N.Sequence([N.Strip(), N.Precompiled(charsmap), N.Replace(Regex(" {2,}"), " ")])
        peer.pre_tokenizer = P.Sequence([P.Metaspace(prepend_scheme="always")])
        peer.decoder = D.Metaspace()
        template(peer, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1")
        peer.add_special_tokens(["[PAD]", "[CLS]", "[SEP]", AddedToken("[UNK]", normalized=True, special=True), "[MASK]"])
        return saved(peer, root)

    def japanese(self, root):
        blob = (self.vocabularies / "sentencepiece-test" / "test_ja.model").read_bytes()
        peer, charsmap = self.unigram(blob)
        peer.normalizer = N.Sequence([N.Nmt(), N.NFKC(), N.Replace(Regex(" {2,}"), " ")])
        peer.pre_tokenizer = P.Metaspace()
        peer.decoder = D.Metaspace()
        peer.add_special_tokens(["<unk>", "<s>", "</s>"])
        return saved(peer, root)

    # BPE.

    def merges(self, blob):
        """Vocabulary and merges of a SentencePiece BPE model: every way to put a piece together, by rank of the whole."""
        pieces = [p.piece for p in self.proto(blob).pieces]
        vocab = {piece: i for i, piece in enumerate(pieces)}
        merges = []
        for piece in pieces:
            ways = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
            merges += sorted(ways, key=lambda way: (vocab[way[0]], vocab[way[1]])) if not piece.startswith("<0x") else []
        return vocab, merges

    def spm_bpe(self, blob, **options):
        vocab, merges = self.merges(blob)
        peer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, **options))
        peer.add_special_tokens([AddedToken(t, normalized=False) for t in ("<unk>", "<s>", "</s>")])
        return peer

    def llama(self, normalized):
        def fill(root):
            peer = self.spm_bpe(self.spm("bpe"), byte_fallback=True)
            if normalized:
                peer.normalizer = N.Sequence([N.Prepend(MARK), N.Replace(" ", MARK)])
            else:
                peer.pre_tokenizer = P.Metaspace(prepend_scheme="first", split=False)
            peer.decoder = D.Sequence([D.Replace(MARK, " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
            template(peer, "<s> $A", "<s> $A <s>:1 $B:1")
            return saved(peer, root)
        return fill

    def gemma(self, root):
        peer = self.spm_bpe(self.spm("bpe"), byte_fallback=True)
        peer.normalizer = N.Replace(" ", MARK)
        peer.pre_tokenizer = P.Split(" ", "merged_with_previous")
        peer.decoder = D.Sequence([D.Replace(MARK, " "), D.ByteFallback(), D.Fuse()])
        template(peer, "<s> $A", "<s> $A <s>:1 $B:1")
        peer.add_tokens([AddedToken("\n" * n, normalized=False) for n in range(2, 9)])
        peer.add_tokens([AddedToken(MARK * n, normalized=False) for n in range(2, 9)])
        return saved(peer, root)

    def sentencepiece_bpe(self, root):
        peer = self.spm_bpe((self.vocabularies / "sentencepiece-test" / "test_sentencepiece_bpe.model").read_bytes())
        peer.normalizer, peer.pre_tokenizer, peer.decoder = N.NFKC(), P.Metaspace(), D.Metaspace()
        return saved(peer, root)

    def trained_bpe(self):
        if "byte level" not in self.trained:
            peer = Tokenizer(models.BPE())
            peer.pre_tokenizer = P.ByteLevel(add_prefix_space=False)
            peer.train_from_iterator(self.lines, trainers.BpeTrainer(
                vocab_size=20000, initial_alphabet=P.ByteLevel.alphabet(), show_progress=False))
            model = json.loads(peer.to_str())["model"]
            self.trained["byte level"] = model["vocab"], [tuple(merge) for merge in model["merges"]]
        return self.trained["byte level"]

    def byte_level(self, name):
        def split(pattern):
            return P.Sequence([P.Split(Regex(pattern), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)])

        def fill(root):
            vocab, merges = self.trained_bpe()
            peer = Tokenizer(models.BPE(vocab=dict(vocab), merges=merges, ignore_merges=name == "llama3"))
            peer.decoder = D.ByteLevel()
            if name == "modernbert":
                peer.normalizer, peer.pre_tokenizer = N.NFC(), P.ByteLevel(add_prefix_space=False)
                peer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
                peer.add_special_tokens(["[UNK]", "[CLS]", "[SEP]", "[PAD]", AddedToken("[MASK]", lstrip=True)])
                template(peer, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]")
            elif name == "qwen2":
                peer.normalizer, peer.pre_tokenizer = N.NFC(), split(PATTERNS["qwen2"])
                peer.post_processor = R.ByteLevel(trim_offsets=False)
                peer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
            else:
                peer.pre_tokenizer = split(PATTERNS["cl100k"])
                peer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>"])
                if name == "llama3":
                    start = ("<|begin_of_text|>", peer.token_to_id("<|begin_of_text|>"))
                    peer.post_processor = R.Sequence([R.ByteLevel(trim_offsets=False), R.TemplateProcessing(
                        single=f"{start[0]} $A", pair=f"{start[0]} $A {start[0]}:1 $B:1", special_tokens=[start])])
            return saved(peer, root)
        return fill

    def word_level(self, root):
        peer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
        peer.normalizer, peer.pre_tokenizer = N.Sequence([N.NFD(), N.Lowercase(), N.StripAccents()]), P.Whitespace()
        peer.train_from_iterator(self.lines, trainers.WordLevelTrainer(
            vocab_size=30000, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False))
        template(peer, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")
        return saved(peer, root)

    def char_bpe(self, root):
        peer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>", fuse_unk=False))
        peer.normalizer = N.BertNormalizer(lowercase=True)
        peer.pre_tokenizer, peer.decoder = P.BertPreTokenizer(), D.BPEDecoder(suffix="</w>")
        peer.train_from_iterator(self.lines, trainers.BpeTrainer(
            vocab_size=15000, special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False))
        return saved(peer, root)
