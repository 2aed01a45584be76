"""`graft convert`, `graft verify weights` and `graft inspect model` on weights of every format, made here."""

import collections
import io
import json
import os
import pickle
import resource
import shutil
import struct
import subprocess
import sys
import types
import zipfile

from command import GRAFT, CommandTest, main


def read_safetensors(path):
    """Name: (type, shape, bytes)."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {name: (entry["dtype"], entry["shape"], data[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]])
            for name, entry in header.items()}


class Storage:
    """A storage of torch, for the pickler below."""

    def __init__(self, key, data):
        self.key, self.data = key, data


def torch_stand_in(module, name):
    """Something that pickles as the global torch has under this name."""
    fake = sys.modules.setdefault(module, types.ModuleType(module))
    stand_in = type(name, (), {"__module__": module})
    setattr(fake, name, stand_in)
    return stand_in


class Tensor:
    def __init__(self, storage, shape):
        self.storage, self.shape = storage, shape

    def __reduce__(self):
        strides = [1] * len(self.shape)
        for i in range(len(self.shape) - 2, -1, -1):
            strides[i] = strides[i + 1] * self.shape[i + 1]
        return REBUILD, (self.storage, 0, tuple(self.shape), tuple(strides), False, collections.OrderedDict())


REBUILD = torch_stand_in("torch._utils", "_rebuild_tensor_v2")
FLOAT = torch_stand_in("torch", "FloatStorage")


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            return ("storage", FLOAT, obj.key, "cpu", len(obj.data) // 4)
        return None


def pickled(value):
    out = io.BytesIO()
    Pickler(out, protocol=2).dump(value)
    return out.getvalue()


def state(tensors, extra=()):
    storages = [Storage(str(i), data) for i, (_, _, data) in enumerate(tensors.values())]
    entries = [(name, Tensor(storage, shape)) for (name, (_, shape, _)), storage in zip(tensors.items(), storages)]
    return collections.OrderedDict(entries + list(extra)), storages


def write_zip(path, tensors, extra=()):
    """As torch.save writes them."""
    value, storages = state(tensors, extra)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickled(value))
        archive.writestr("archive/byteorder", "little")
        for storage in storages:
            archive.writestr(f"archive/data/{storage.key}", storage.data)
        archive.writestr("archive/version", "3\n")


def write_legacy(path, tensors):
    """As torch.save wrote them before 1.6."""
    value, storages = state(tensors)

    class LegacyPickler(pickle.Pickler):
        def persistent_id(self, obj):
            return ("storage", FLOAT, obj.key, "cpu", len(obj.data) // 4, None) if isinstance(obj, Storage) else None

    out = io.BytesIO()
    pickle.dump(0x1950a86a20f9469cfc6c, out, protocol=2)
    pickle.dump(1001, out, protocol=2)
    pickle.dump({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, out, protocol=2)
    LegacyPickler(out, protocol=2).dump(value)
    pickle.dump([storage.key for storage in storages], out, protocol=2)
    for storage in storages:
        out.write(struct.pack("<q", len(storage.data) // 4) + storage.data)
    path.write_bytes(out.getvalue())


class WeightsTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.tensors = read_safetensors(self.classifier / "model.safetensors")
        self.model = self.folder / "model"
        shutil.copytree(self.classifier, self.model)
        (self.model / "model.safetensors").unlink()
        self.out = self.folder / "converted"

    def convert(self, *arguments, **options):
        return self.graft("convert", "--model", self.model, "--out", self.out, *arguments, **options)


class Convert(WeightsTest):
    def check_equal(self):
        found = read_safetensors(self.out / "model.safetensors")
        self.assertEqual(found, self.tensors)
        run = self.graft("verify", "weights", self.classifier, self.out)
        self.assertEqual(run.stdout, f"{len(self.tensors)} tensors, 0 different\n")

    def test_zip_and_legacy_files_keep_every_bit(self):
        for write, name in (write_zip, "PyTorch zip"), (write_legacy, "PyTorch legacy"):
            with self.subTest(name):
                write(self.model / "pytorch_model.bin", self.tensors)
                report = json.loads(self.convert("--json", "--replace").stdout)
                self.assertEqual(report["weights"], name)
                self.assertEqual(report["tensors"], len(self.tensors))
                self.check_equal()

    def test_the_new_folder_gives_the_same_answers(self):
        write_zip(self.model / "pytorch_model.bin", self.tensors)
        self.convert()
        answers = [self.graft("classify", "--model", folder, "--json", "a good film").stdout
                   for folder in (self.classifier, self.model, self.out)]
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], answers[2])
        self.assertTrue(json.loads(self.graft("inspect", "model", self.out, "--json").stdout)["mapped"])
        self.assertFalse(json.loads(self.graft("inspect", "model", self.model, "--json").stdout)["mapped"])

    def test_shards_and_their_index(self):
        write_zip(self.model / "pytorch_model.bin", self.tensors)
        report = json.loads(self.convert("--max-shard-bytes", "20000", "--json").stdout)
        self.assertIn("model.safetensors.index.json", report["files"])
        self.assertGreater(len([name for name in report["files"] if name.endswith(".safetensors")]), 2)
        self.graft("verify", "weights", self.model, self.out)
        self.assertEqual(json.loads(self.graft("inspect", "model", self.out, "--json").stdout)["mapped"], True)

    def test_types(self):
        write_zip(self.model / "pytorch_model.bin", self.tensors)
        for name, stored, torch in ("f16", "F16", "float16"), ("bf16", "BF16", "bfloat16"):
            self.convert("--dtype", name, "--replace")
            found = read_safetensors(self.out / "model.safetensors")
            self.assertEqual({dtype for dtype, _, _ in found.values()}, {stored})
            config = json.loads((self.out / "config.json").read_text())
            self.assertEqual(config.get("dtype", config.get("torch_dtype")), torch)
            run = self.graft("verify", "weights", self.model, self.out, status=1)
            self.assertIn("other values", run.stdout)
        values = struct.unpack("<e", found and read_safetensors(self.out / "model.safetensors")["classifier.bias"][2][:2])
        self.assertEqual(len(values), 1)

    def test_nothing_but_the_model_is_taken_over(self):
        write_zip(self.model / "pytorch_model.bin", self.tensors, [("epoch", 3)])
        (self.model / "modeling_own.py").write_text("raise SystemExit('executed')")
        (self.model / "README.md").write_text("hello")
        config = json.loads((self.model / "config.json").read_text())
        config["auto_map"] = {"AutoModel": "modeling_own.Own"}
        (self.model / "config.json").write_text(json.dumps(config))
        report = json.loads(self.convert("--json").stdout)
        self.assertEqual(report["left_out"], ["README.md", "modeling_own.py"])
        self.assertEqual(report["no_tensors"], ["epoch"])
        self.assertNotIn("auto_map", (self.out / "config.json").read_text())
        self.assertFalse((self.out / "modeling_own.py").exists())

    def test_modules_of_sentence_transformers_come_along(self):
        write_zip(self.model / "pytorch_model.bin", self.tensors)
        kinds = ("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"), ("3_Dense", "Dense")
        (self.model / "modules.json").write_text(json.dumps(
            [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"} for i, (path, kind) in enumerate(kinds)]))
        for name in "1_Pooling", "3_Dense":  # a Normalize module has no files
            (self.model / name).mkdir()
            (self.model / name / "config.json").write_text('{"pooling_mode": "mean"}')
        dense = {"linear.weight": ("F32", [2], struct.pack("<2f", 1, 2))}
        write_zip(self.model / "3_Dense" / "pytorch_model.bin", dense)
        self.convert()
        self.assertEqual(read_safetensors(self.out / "3_Dense" / "model.safetensors"), dense)
        self.assertEqual((self.out / "1_Pooling" / "config.json").read_text(), '{"pooling_mode": "mean"}')
        self.assertTrue((self.out / "modules.json").exists())

    def test_what_is_in_the_way_stays(self):
        write_zip(self.model / "pytorch_model.bin", self.tensors)
        self.out.mkdir()
        (self.out / "letter.txt").write_text("mine")
        for arguments in [], ["--replace"]:
            self.refused("convert", "--model", self.model, "--out", self.out, *arguments, expect="converted")
        self.assertEqual((self.out / "letter.txt").read_text(), "mine")
        self.refused("convert", "--model", self.model, "--out", self.model, expect="expected another folder")
        self.assertEqual(self.entries(), ["classifier", "converted", "encoder", "model"])

    def test_mistakes_of_the_command_line(self):
        self.refused("convert", "--model", self.model, status=2, expect="--out")
        self.refused("convert", "--model", self.model, "--out", "x", "--dtype", "f8", status=2, expect="--dtype")
        self.refused("convert", "--model", self.model, "--out", "x", "--max-shard-bytes", "0", status=2, expect="--max-shard-bytes")
        self.refused("verify", "weights", self.model, status=2, expect="expected two folders or files, found 1")

    def test_hostile_files_leave_nothing(self):
        class Evil:
            def __reduce__(self):
                return __import__("os").system, ("touch " + str(self.path),)
        evil = Evil()
        evil.path = self.folder / "executed"
        write_zip(self.model / "pytorch_model.bin", self.tensors, [("evil", evil)])
        for verb in ["convert", "--model", self.model, "--out", self.out], ["inspect", "model", self.model]:
            self.refused(*verb, expect=["pytorch_model.bin", "data.pkl", "posix.system"])
        self.assertEqual(self.entries(), ["classifier", "encoder", "model"])


    def test_configs_that_no_library_reads_leave_nothing(self):
        write_zip(self.model / "pytorch_model.bin", self.tensors)
        path = self.model / "config.json"
        original = path.read_text()
        config = json.loads(original)
        width = config["hidden_size"]
        texts = {"": "config.json: byte 0", "[1]": "expected an object", "[" * 512_000: "nested at most 64", "\ufeff" + original: "byte-order mark",
                 original.replace("{", "{,", 1): "config.json: byte", original.replace(f'"hidden_size": {width}', '"hidden_size": NaN'): "config.json: byte",
                 original.replace("{", '{"vocab_size": 3, ', 1): "vocab_size: expected one such key"}
        values = [("hidden_size", 0, "from 1 to"), ("hidden_size", -1, "from 1 to"), ("hidden_size", 2**31, "from 1 to"),
                  ("hidden_size", width + 0.5, "from 1 to"), ("num_hidden_layers", 10**9, "from 1 to 1000"), ("vocab_size", 2**40, "from 1 to"),
                  ("num_attention_heads", width - 1, "expected a multiple of"), ("model_type", 3, "expected a string"),
                  ("intermediate_size", config["intermediate_size"] + 1, "of another shape: bert.encoder.layer.0."),
                  ("vocab_size", config["vocab_size"] - 1, "of another shape: bert.embeddings.word_embeddings.weight (expected [")]
        texts |= {json.dumps({**config, key: value}): f"{key}: expected" if "shape" not in expect else expect for key, value, expect in values
                  if key != "num_attention_heads"}
        texts[json.dumps({**config, "num_attention_heads": width - 1})] = "hidden_size: expected a multiple of num_attention_heads"
        for text, expect in texts.items():
            path.write_text(text, encoding="utf-8")
            for dtype in [], ["--dtype", "f16"]:
                self.refused("convert", "--model", self.model, "--out", self.out, *dtype, expect=["model/", expect])
        self.assertEqual(self.entries(), ["classifier", "encoder", "model"])

    def test_models_that_graft_does_not_compute_are_converted(self):
        write_zip(self.model / "pytorch_model.bin", self.tensors)
        path = self.model / "config.json"
        config = json.loads(path.read_text())
        for changes in [{"hidden_act": "gelu_12"}, {"model_type": "t5", "hidden_size": -1}, {"model_type": None}, {"is_decoder": True},
                        {"pruned_heads": {"0": [1]}}, {"num_hidden_layers": config["num_hidden_layers"] + 1}]:
            path.write_text(json.dumps({**config, **changes}))
            report = json.loads(self.convert("--replace", "--json").stdout)
            self.check_equal()
            self.assertEqual(json.loads((self.out / "config.json").read_text()), {**config, **changes})
            if "num_hidden_layers" in changes:
                self.assertIsNone(report["config_not_checked"])
            else:
                self.assertIn("config.json: ", report["config_not_checked"])
        self.assertNotIn("not checked", self.convert("--replace").stdout)
        path.unlink()
        self.assertIn("configuration not checked: ", self.convert("--replace").stdout)


class Verify(WeightsTest):
    def test_differences_are_named(self):
        other = dict(self.tensors)
        dtype, shape, data = other["classifier.bias"]
        other["classifier.bias"] = (dtype, shape, struct.pack("<f", 9) + data[4:])
        other["new"] = ("F32", [1], b"\0\0\0\0")
        del other["bert.pooler.dense.bias"]
        write_zip(self.model / "pytorch_model.bin", other)
        run = self.graft("verify", "weights", self.classifier, self.model, status=1)
        self.assertRegex(run.stdout, r"classifier\.bias +[0-9a-f]{16}  other values +1 of \d+, first element 0, by up to")
        self.assertRegex(run.stdout, r"bert\.pooler\.dense\.bias .*only in the first")
        self.assertRegex(run.stdout, r"new .*only in the second")
        self.assertIn("3 of", run.stderr)
        rows = json.loads(self.graft("verify", "weights", self.classifier, self.model, "--json", status=1).stdout)
        self.assertEqual(rows["different"], 3)
        self.assertEqual(len(rows["comparisons"]), len(self.tensors) + 1)

    def test_files_too(self):
        path = self.classifier / "model.safetensors"
        self.assertIn("0 different", self.graft("verify", "weights", path, self.classifier).stdout)
        self.assertIn("equal", self.graft("verify", "weights", path, path, "--all").stdout)


class Inspect(WeightsTest):
    def test_says_format_types_and_what_is_unused(self):
        tensors = dict(self.tensors)
        tensors["lonely"] = ("F32", [1], struct.pack("<f", float("nan")))
        write_legacy(self.model / "pytorch_model.bin", tensors)
        text = self.graft("inspect", "model", self.model, "--tensors").stdout
        self.assertIn("PyTorch legacy, 1 file", text)
        self.assertRegex(text, r"not finite +lonely")
        self.assertRegex(text, r"lonely +F32 +\[1\] +pytorch_model.bin")
        report = json.loads(self.graft("inspect", "model", self.model, "--json").stdout)
        self.assertEqual(report["weights"]["tensors_by_dtype"], {"F32": len(tensors)})
        self.assertEqual(report["unused_tensors"], ["lonely"])
        self.assertEqual(report["missing_tensors"], [])

    def test_lists_what_is_missing(self):
        tensors = dict(self.tensors)
        del tensors["classifier.weight"]
        write_zip(self.model / "pytorch_model.bin", tensors)
        run = self.graft("inspect", "model", self.model, status=1)
        self.assertIn("missing tensors\n  classifier.weight\n", run.stdout)
        self.assertIn("1 missing: classifier.weight", run.stderr)
        report = json.loads(self.graft("inspect", "model", self.model, "--json", status=1).stdout)
        self.assertEqual(report["missing_tensors"], ["classifier.weight"])

    def test_a_pointer_of_git_lfs_is_named(self):
        (self.model / "pytorch_model.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
        self.refused("inspect", "model", self.model, expect=["pytorch_model.bin", "Git LFS"])


class SentenceTransformers(WeightsTest):
    """Folders whose modules have weights of their own."""

    def setUp(self):
        super().setUp()
        self.train("--max-steps", "1")  # the encoder pools by mean: its head is a Dense module
        self.trained = self.folder / "out"

    def test_the_weights_of_all_modules_are_compared(self):
        other = self.folder / "other"
        shutil.copytree(self.trained, other)
        self.assertIn(" 0 different", self.graft("verify", "weights", self.trained, other).stdout)
        path = other / "2_Dense" / "model.safetensors"
        data = path.read_bytes()
        path.write_bytes(data[:-4] + struct.pack("<f", 9))
        run = self.graft("verify", "weights", self.trained, other, status=1)
        self.assertRegex(run.stdout, r"2_Dense/linear\.(weight|bias) .*other values +1 of")
        path.unlink()
        run = self.graft("verify", "weights", self.trained, other, status=1)
        self.assertRegex(run.stdout, r"2_Dense/linear\.bias .*only in the first")

    def test_inspect_tells_of_all_modules(self):
        report = json.loads(self.graft("inspect", "model", self.trained, "--tensors", "--json").stdout)
        names = [tensor["name"] for tensor in report["tensors"]]
        self.assertIn("2_Dense/linear.weight", names)
        self.assertEqual(report["weights"]["tensors"], len(names))
        self.assertIn(str(self.trained / "2_Dense" / "model.safetensors"), report["weights"]["files"])
        path = self.trained / "2_Dense" / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-4] + struct.pack("<f", float("inf")))
        text = self.graft("inspect", "model", self.trained, "--tensors").stdout
        self.assertRegex(text, r"not finite +2_Dense/linear\.")
        self.assertRegex(text, r"2_Dense/linear\.bias +F32 +\[2\] +2_Dense/model.safetensors")

    def test_a_transformer_in_a_folder_of_its_own(self):
        apart = self.folder / "apart"
        shutil.copytree(self.trained, apart)
        (apart / "0_Transformer").mkdir()
        modules = json.loads((apart / "modules.json").read_text())
        modules[0]["path"] = "0_Transformer"
        (apart / "modules.json").write_text(json.dumps(modules))
        for path in list(apart.iterdir()):
            if path.is_file() and path.name not in ("modules.json", "graft.json"):
                path.rename(apart / "0_Transformer" / path.name)
        self.assertIn(" 0 different", self.graft("verify", "weights", self.trained, apart).stdout)
        self.graft("inspect", "model", apart)
        report = json.loads(self.graft("convert", "--model", apart, "--out", self.out, "--json").stdout)
        self.assertEqual(report["left_out"], [])
        self.assertIn(" 0 different", self.graft("verify", "weights", self.trained, self.out).stdout)
        self.graft("convert", "--model", apart, "--out", self.out, "--replace")

    def test_a_folder_of_a_module_is_not_replaced_by_the_model(self):
        before = (self.trained / "2_Dense" / "model.safetensors").read_bytes()
        self.refused("convert", "--model", self.trained, "--out", self.trained / "2_Dense", "--replace", expect="expected another folder")
        self.assertEqual((self.trained / "2_Dense" / "model.safetensors").read_bytes(), before)

    def test_a_folder_of_a_module_is_no_link(self):
        elsewhere = self.folder / "elsewhere"
        (self.trained / "2_Dense").rename(elsewhere)
        (self.trained / "2_Dense").symlink_to(elsewhere)
        self.refused("convert", "--model", self.trained, "--out", self.out, expect=["2_Dense", "found a link"])
        self.graft("inspect", "model", self.trained)


class Replace(WeightsTest):
    """What `graft convert --replace` may remove."""

    def setUp(self):
        super().setUp()
        write_zip(self.model / "pytorch_model.bin", self.tensors)

    def tree(self, folder):
        return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

    def test_the_source_is_never_inside(self):
        outer = self.folder / "outer"
        self.graft("convert", "--model", self.model, "--out", outer)
        shutil.copytree(self.model, outer / "source")
        before = self.tree(outer)
        self.refused("convert", "--model", outer / "source", "--out", outer, "--replace", expect=["expected another folder", "source in it"])
        (self.folder / "link").symlink_to(outer)
        self.refused("convert", "--model", outer / "source", "--out", self.folder / "link", "--replace", expect="expected another folder")
        self.refused("convert", "--model", outer / "source", "--out", outer / "source", "--replace", expect="expected another folder")
        self.assertEqual(self.tree(outer), before)

    def test_the_new_folder_may_be_in_the_source(self):
        for _ in range(2):
            report = json.loads(self.graft("convert", "--model", self.model, "--out", self.model / "new", "--replace", "--json").stdout)
            self.assertEqual(report["left_out"], [])
        self.graft("verify", "weights", self.model, self.model / "new")

    def test_what_no_conversion_wrote_stays(self):
        self.convert()
        self.convert("--replace")
        for name in "thesis.txt", "modeling.py", "model-1-of-2.safetensors", ".hidden", "1_Pooling":
            path = self.out / name
            path.mkdir() if name == "1_Pooling" else path.write_text("mine")
            before = self.tree(self.out)
            self.refused("convert", "--model", self.model, "--out", self.out, "--replace", expect=["converted: expected nothing but", f"'{name}'"])
            self.assertEqual(self.tree(self.out), before)
            path.rmdir() if name == "1_Pooling" else path.unlink()
        for i in range(9):
            (self.out / f"mine{i}").write_text("")
        self.refused("convert", "--model", self.model, "--out", self.out, "--replace", expect="'mine4' and 4 more")

    def test_names_alone_are_no_proof(self):
        other = self.folder / "other"
        shutil.copytree(self.encoder, other)
        (other / "modules.json").unlink()
        shutil.rmtree(other / "1_Pooling", True)
        path = other / "model.safetensors"
        path.write_bytes(path.read_bytes().replace(b'"graft":"1"', b'"other":"1"'))
        self.refused("convert", "--model", self.model, "--out", other, "--replace", expect="graft did not write")
        self.assertTrue(path.exists())


class Links(WeightsTest):
    """Nothing outside of a folder is taken into another."""

    def setUp(self):
        super().setUp()
        write_zip(self.model / "pytorch_model.bin", self.tensors)

    def test_links_are_refused(self):
        for name in "vocab.txt", "config.json", "pytorch_model.bin", "tokenizer_config.json", "secret.model":
            path, kept = self.model / name, self.folder / "kept"
            if path.exists():
                path.rename(kept)
            else:
                kept.write_text("secret")
            path.symlink_to(kept)
            self.refused("convert", "--model", self.model, "--out", self.out, expect=[f"model/{name}", "found a link"])
            path.unlink()
            if name == "secret.model":
                break
            shutil.copy(kept, path)
            path.unlink()
            path.hardlink_to(kept)
            self.refused("convert", "--model", self.model, "--out", self.out, expect=[f"model/{name}", "hard links"])
            path.unlink()
            kept.rename(path)
        self.convert()

    def test_what_is_no_file_is_listed(self):
        (self.model / "x.model").mkdir()
        os.mkfifo(self.model / "y.model")
        (self.model / "merges.txt").mkdir()
        report = json.loads(self.convert("--json").stdout)
        self.assertEqual(report["left_out"], ["merges.txt", "x.model", "y.model"])

    def hub_cache(self, source):
        """The folder as the Hugging Face hub's cache keeps it."""
        revision = self.folder / "models--x" / "snapshots" / "0123"
        for number, path in enumerate(sorted(path for path in source.rglob("*") if path.is_file())):
            blob = self.folder / "models--x" / "blobs" / f"{number:064x}"
            blob.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, blob)
            link = revision / path.relative_to(source)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(blob, link.parent))
        return revision

    def test_the_cache_of_the_hub(self):
        self.train("--max-steps", "1")
        sharded = self.folder / "sharded"
        self.graft("convert", "--model", self.folder / "out", "--out", sharded, "--max-shard-bytes", "20000")
        revision = self.hub_cache(sharded)
        report = json.loads(self.graft("convert", "--model", revision, "--out", self.out, "--json").stdout)
        self.assertEqual(report["left_out"], [])
        self.assertIn(" 0 different", self.graft("verify", "weights", sharded, self.out).stdout)
        tensors = json.loads(self.graft("inspect", "model", revision, "--tensors", "--json").stdout)["tensors"]
        self.assertRegex(tensors[0]["file"], r"^model-\d{5}-of-\d{5}.safetensors$")
        shard = revision / tensors[0]["file"]
        shard.unlink()
        self.refused("verify", "weights", revision, self.out, expect=["model.safetensors.index.json: weight_map: expected the file 'model-0000"])


class TakenOver(WeightsTest):
    def setUp(self):
        super().setUp()
        write_zip(self.model / "pytorch_model.bin", self.tensors)

    def test_names_of_programs_are_not_at_any_depth(self):
        config = json.loads((self.model / "config.json").read_text())
        nested = {"auto_map": {"AutoModel": "own.Own"}, "custom_pipelines": {"own": {"impl": "own.Pipeline"}}}
        config |= nested | {"inner": [{"text_config": {"more": 1, **nested}}]}
        (self.model / "config.json").write_text(json.dumps(config))
        tokenizer = json.loads((self.model / "tokenizer_config.json").read_text())
        (self.model / "tokenizer_config.json").write_text(json.dumps(tokenizer | {"auto_map": {"AutoTokenizer": ["own.Tok", None]}}))
        self.convert()
        for name in "config.json", "tokenizer_config.json":
            text = (self.out / name).read_text()
            self.assertNotIn("own.", text)
            self.assertNotIn("auto_map", text)
            self.assertNotIn("custom_pipelines", text)
        self.assertEqual(json.loads((self.out / "config.json").read_text())["inner"], [{"text_config": {"more": 1}}])
        self.assertEqual(json.loads((self.out / "tokenizer_config.json").read_text()), tokenizer)

    def test_settings_without_programs_keep_their_bytes(self):
        text = '{"model_max_length" : 1000000000000000019884624838656}\n\n'
        (self.model / "tokenizer_config.json").write_text(text)
        self.convert()
        self.assertEqual((self.out / "tokenizer_config.json").read_text(), text)

    def test_a_full_disk_is_told_of_the_folder_that_was_asked_for(self):
        run = subprocess.run([GRAFT, "convert", "--model", self.model, "--out", self.out], capture_output=True, text=True, check=False,
                             restore_signals=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000)))
        self.assertEqual(run.returncode, 1)
        self.assertIn(f"graft: {self.out}/model.safetensors: cannot write", run.stderr)
        self.assertEqual(self.entries(), ["classifier", "encoder", "model"])


class Honest(WeightsTest):
    """What is said of weights is what they are."""

    def write(self, name, dtype, shape, data):
        header = json.dumps({name: {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
        folder = self.folder / name
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
        return folder

    def test_large_doubles_are_finite_and_fit_no_float(self):
        folder = self.write("large", "F64", [2], struct.pack("<2d", 1, 1e300))
        report = json.loads(self.graft("inspect", "model", folder, "--json", status=1).stdout)
        self.assertEqual(report["weights"]["not_finite"], [])
        for dtype in "f32", "f16", "bf16":
            self.refused("convert", "--model", folder, "--out", self.out, "--dtype", dtype,
                         expect=[f"element 1: expected a number that {dtype.upper()} can hold, found 1e+300"])
        self.assertNotIn("converted", self.entries())

    def test_weights_are_told_whatever_else_is_wrong(self):
        write_zip(self.model / "pytorch_model.bin", self.tensors)
        for name, text in ("config.json", "{"), ("config.json", None), ("tokenizer.json", "["):
            path = self.model / name
            original = path.read_text()
            path.unlink()
            if text is not None:
                path.write_text(text)
            run = self.graft("inspect", "model", self.model, "--tensors", status=1)
            self.assertIn(name, run.stderr)
            self.assertIn("PyTorch zip, 1 file", run.stdout)
            self.assertRegex(run.stdout, r"classifier\.bias +F32")
            report = json.loads(self.graft("inspect", "model", self.model, "--json", status=1).stdout)
            self.assertEqual(report["weights"]["tensors"], len(self.tensors))
            self.assertEqual(report["missing_tensors"], None if name == "config.json" else [])
            self.assertIn(name, report["error"])
            path.write_text(original)

    def test_files_that_others_may_write_to_are_not_mapped(self):
        write_zip(self.model / "pytorch_model.bin", self.tensors)
        self.convert()
        for mode, mapped in (0o644, True), (0o664, False), (0o646, False), (0o600, True):
            (self.out / "model.safetensors").chmod(mode)
            self.assertEqual(json.loads(self.graft("inspect", "model", self.out, "--json").stdout)["mapped"], mapped, oct(mode))


if __name__ == "__main__":
    main()
