"""Every mistake gives one line that names file, place, expected and found, the right exit status, and leaves nothing
half-written."""

import json
import os
import resource
import shutil
import struct
import subprocess

from command import GRAFT, CommandTest, main


class ModelFolders(CommandTest):
    def inspect_refused(self, expect, listed=None):
        """`listed` is what inspect prints of weights that do not fit the configuration; of good weights it always says what they are."""
        run = self.graft("inspect", "model", self.encoder, status=1)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
        for part in expect:
            self.assertIn(part, run.stderr)
        self.assertIn(listed or "", run.stdout)
        before = self.entries()
        train = self.sentiment()
        self.refused("train", "classify", "--model", self.encoder, "--train", train, "--dev", train, "--out",
                     self.folder / "out", expect=expect)
        self.assertEqual(self.entries(), sorted(set(before) | {"train.tsv"}))

    def config(self, **changes):
        path = self.encoder / "config.json"
        config = json.loads(path.read_text())
        config.update(changes)
        path.write_text(json.dumps({key: value for key, value in config.items() if value != "REMOVE"}))

    def test_missing_folder(self):
        self.refused("inspect", "model", self.folder / "nowhere", expect=["nowhere", "no such folder"])
        (self.folder / ".nowhere.graft-old-7-1").mkdir()
        self.refused("inspect", "model", self.folder / "nowhere",
                     expect=["no such folder; the old one of an interrupted replacement is", ".nowhere.graft-old-7-1"])

    def test_file_in_place_of_a_folder(self):
        self.refused("inspect", "model", self.encoder / "config.json", expect="expected a folder, found a file")
        os.symlink(self.folder / "gone", self.folder / "link")
        self.refused("inspect", "model", self.folder / "link", expect="expected a folder, found a link that leads nowhere")

    def test_missing_files(self):
        for name in "config.json", "model.safetensors", "vocab.txt":
            shutil.move(self.encoder / name, self.folder / name)
            self.inspect_refused([name])
            shutil.move(self.folder / name, self.encoder / name)

    def test_other_weight_files_are_named(self):
        os.rename(self.encoder / "model.safetensors", self.encoder / "tf_model.h5")
        self.inspect_refused(["model.safetensors", "found only tf_model.h5"])

    def test_truncated_weights(self):
        path = self.encoder / "model.safetensors"
        data = path.read_bytes()
        for length in 0, 4, 100, len(data) - 1:
            path.write_bytes(data[:length])
            self.inspect_refused(["model.safetensors"])

    def test_weights_that_lie_about_a_shape(self):
        path = self.encoder / "model.safetensors"
        data = path.read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + length])
        header["embeddings.word_embeddings.weight"]["shape"][0] += 1
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length:])
        self.inspect_refused(["model.safetensors", "embeddings.word_embeddings.weight"])

    def test_missing_tensor(self):
        path = self.encoder / "model.safetensors"
        data = path.read_bytes()
        name, other = b'"encoder.layer.0.output.dense.bias"', b'"encoder.layer.0.output.dense.bbbb"'
        self.assertEqual(data.count(name), 1)
        path.write_bytes(data.replace(name, other))
        self.inspect_refused(["1 missing: encoder.layer.0.output.dense.bias"], "missing tensors\n  encoder.layer.0.output.dense.bias\n")

    def test_config_that_contradicts_the_tensors(self):
        self.config(intermediate_size=64)
        self.inspect_refused(["of another shape", "expected [64, 36], found [60, 36]"], "expected [64, 36], found [60, 36]")

    def test_config_that_contradicts_itself(self):
        self.config(num_attention_heads=5)
        self.inspect_refused(["config.json", "hidden_size: expected a multiple of num_attention_heads (5), found 36"])

    def test_config_values(self):
        cases = [("hidden_size", 0), ("hidden_size", -1), ("hidden_size", 2**31), ("hidden_size", 36.5),
                 ("num_hidden_layers", 10**9), ("vocab_size", 2**40), ("model_type", "REMOVE"), ("model_type", 3),
                 ("model_type", "t5"), ("hidden_act", "gelu_12"), ("position_embedding_type", "relative_key"),
                 ("is_decoder", True), ("hidden_dropout_prob", 1.5), ("vocab_size", "many"), ("hidden_size", 36.0),
                 ("num_hidden_layers", 1e9), ("hidden_size", "REMOVE"), ("hidden_act", "\n\x1b[31m" * 100)]
        original = (self.encoder / "config.json").read_text()
        for key, value in cases:
            self.config(**{key: value})
            self.inspect_refused(["config.json", key, "expected"])
            (self.encoder / "config.json").write_text(original)

    def test_config_that_is_no_json(self):
        path = self.encoder / "config.json"
        original = path.read_text()
        for content, expect in [("", "config.json"), ("[" * 512000, "nested deeper"), ("{\"a\": 1,}", "byte"),
                                ("\ufeff" + original, "byte-order mark"), ("[1]", "expected an object"),
                                (original.replace("{", '{"vocab_size": 1,', 1), "vocab_size: expected one such key"),
                                (original.replace("36", "NaN", 1), "byte"),
                                ('{"a": ' + "[" * 64 + "]" * 64 + "," + original[1:], "nested deeper"),
                                (original + "\0", f"byte {len(original)}"),
                                (original.replace('"vocab_size"', '"hidden_size": 3, "vocab_size"'), "hidden_size: expected one such key")]:
            path.write_text(content, encoding="utf-8")
            self.inspect_refused(["config.json", expect])

    def test_configs_are_bounded(self):
        """200 MB of spaces are refused unread; what is just small enough takes little memory."""
        path = self.encoder / "config.json"
        original = path.read_text().rstrip()
        inside = original.removesuffix("}") + ', "more": '
        refusal = "config.json: expected at most 8000000 bytes, found "
        for begin, piece, count, end, expect in [
                (original, b" " * 1000, 200_000, "", refusal), (inside, b"1" * 1000, 200_000, "}", refusal),
                (inside, b"1" * 1000, 7_000, "}", "config.json: byte "), (inside + "[", b"[]," * 1000, 2_500, "[]]}", None)]:
            path.write_text(begin)
            with open(path, "ab") as file:
                for _ in range(count):
                    file.write(piece)
                file.write(end.encode())
            before = self.entries()
            for verb in ["inspect", "model", self.encoder], ["convert", "--model", self.encoder, "--out", self.folder / "out"]:
                run, megabytes = self.measured(*verb)
                self.assertLess(megabytes, 400)  # 120 are LibTorch's
                if expect:
                    self.assertEqual(run.returncode, 1)
                    self.assertEqual(len(run.stderr.splitlines()), 1)
                    self.assertIn(expect, run.stderr)
                    self.assertEqual(self.entries(), before)
                else:
                    self.assertEqual(run.returncode, 0, run.stderr)

    def measured(self, *arguments):
        """The run, and the most memory that it took, in megabytes; or this process, if that is more."""
        process = subprocess.Popen([GRAFT, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = process.stdout.read(), process.stderr.read()
        process.stdout.close()
        process.stderr.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err), usage.ru_maxrss / 1024

    def test_sizes_that_no_memory_holds_are_refused_before_anything_is_allocated(self):
        self.config(hidden_size=65_536, intermediate_size=65_536, num_attention_heads=1, num_hidden_layers=1000,
                    max_position_embeddings=1_000_000)
        for verb in ["inspect", "model", self.encoder], ["convert", "--model", self.encoder, "--out", self.folder / "out"]:
            run, megabytes = self.measured(*verb)
            self.assertEqual(run.returncode, 1)
            self.assertIn("of another shape: embeddings.word_embeddings.weight (expected [165, 65536], found [165, 36])", run.stderr)
            self.assertLess(megabytes, 200)

    def test_programs_of_a_folder_are_named_and_not_run(self):
        (self.encoder / "modeling_own.py").write_text(f"open({str(self.folder / 'executed')!r}, 'w')")
        (self.encoder / "__init__.py").write_text(f"open({str(self.folder / 'executed')!r}, 'w')")
        self.config(auto_map={"AutoModel": "modeling_own.Own", "AutoConfig": "modeling_own.Config"}, trust_remote_code=True)
        text = self.graft("inspect", "model", self.encoder).stdout
        self.assertRegex(text, "program not run +auto_map of config.json\n")
        self.assertRegex(text, "program not run +modeling_own.py\n")
        report = json.loads(self.graft("inspect", "model", self.encoder, "--json").stdout)
        self.assertEqual(report["programs_not_run"], ["auto_map of config.json", "__init__.py", "modeling_own.py"])
        self.train("--max-steps", "1")
        self.assertNotIn("auto_map", (self.folder / "out" / "config.json").read_text())
        self.assertEqual(list((self.folder / "out").rglob("*.py")), [])
        self.assertEqual(self.entries(), ["classifier", "encoder", "out", "train.tsv"])

    def test_very_many_labels_are_refused_soon(self):
        path = self.classifier / "config.json"
        config = json.loads(path.read_text())
        path.write_text(json.dumps({**config, "id2label": {str(i): str(i) for i in range(300_000)}}))
        before = os.times().children_user
        self.assertIn("expected 2 to 10000 labels, found 300000", self.graft("inspect", "model", self.classifier, status=1).stderr)
        self.assertLess(os.times().children_user - before, 20)

    def test_config_with_malformed_utf8(self):
        path = self.encoder / "config.json"
        path.write_bytes(path.read_bytes().replace(b'"bert"', b'"b\xffrt"'))
        self.inspect_refused(["config.json: byte", "expected UTF-8"])

    def test_vocabulary_of_another_size(self):
        path = self.encoder / "vocab.txt"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
        self.inspect_refused(["vocab.txt", f"expected {len(lines)}", f"found {len(lines) - 1}"])
        path.write_text("\n".join(lines + ["onemore"]) + "\n", encoding="utf-8")
        self.inspect_refused(["vocab.txt", f"expected {len(lines)}", f"found {len(lines) + 1}"])

    def test_tokenizer_json_of_another_size(self):
        path = self.classifier / "tokenizer.json"
        tokenizer = json.loads(path.read_text(encoding="utf-8"))
        vocab = tokenizer["model"]["vocab"]
        size = len(vocab)
        last = max(vocab, key=vocab.get)
        for changed in {key: vocab[key] for key in vocab if key != last}, {**vocab, "onemore": size}:
            tokenizer["model"]["vocab"] = changed
            path.write_text(json.dumps(tokenizer), encoding="utf-8")
            self.refused("classify", "--model", self.classifier, "a text",
                         expect=[f"tokenizer.json: expected {size} tokens as vocab_size of", f"found {len(changed)}"])

    def test_modules_that_graft_does_not_know_or_that_lead_out(self):
        path = self.encoder / "modules.json"
        modules = json.loads(path.read_text())
        modules[1]["path"] = "../1_Pooling"
        path.write_text(json.dumps(modules))
        self.inspect_refused(["modules.json", "plain name inside the model folder"])
        modules[1]["path"] = "1_Pooling"
        modules[1]["type"] = "sentence_transformers.models.WeightedLayerPooling"
        path.write_text(json.dumps(modules))
        self.inspect_refused(["modules.json", "WeightedLayerPooling"])

    def test_other_modules_than_those_of_a_saved_classifier(self):
        """sentence-transformers would compute other logits than graft."""
        self.train("--max-steps", "1")
        out = self.folder / "out"
        path = out / "modules.json"
        modules = json.loads(path.read_text())
        normalize = {"idx": 3, "name": "3", "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}
        for changed in modules + [normalize], modules[:2] + [normalize] + modules[2:], modules[:2]:
            path.write_text(json.dumps(changed))
            self.refused("classify", "--model", out, "a text",
                         expect=["modules.json: expected Transformer, Pooling, Dense beside graft.json, found "])
        path.write_text(json.dumps(modules))
        path = out / "2_Dense" / "config.json"
        dense = json.loads(path.read_text())
        for key, value in [("activation_function", "torch.nn.modules.activation.Tanh"), ("activation_function", None),
                           ("bias", False), ("in_features", 35), ("out_features", 3),
                           ("module_output_name", "dense_embedding")]:
            path.write_text(json.dumps({**dense, key: value}))
            self.refused("classify", "--model", out, "a text", expect=["2_Dense/config.json", key, "expected"])
        path.write_text(json.dumps(dense))
        self.graft("classify", "--model", out, "a text")

    def test_graft_json_of_another_version(self):
        self.train("--max-steps", "1")
        path = self.folder / "out" / "graft.json"
        settings = json.loads(path.read_text())
        for key, value, expect in [("version", 2, "version: expected 1, found 2"), ("format", "x", "format: expected"),
                                   ("task", "parsing", "task: expected"), ("labels", ["a", "a"], "twice"),
                                   ("pooling", "sum", "expected cls, mean, max or last")]:
            path.write_text(json.dumps({**settings, key: value}))
            self.refused("classify", "--model", self.folder / "out", "a text", expect=["graft.json", expect])

    def test_threads_of_the_environment_that_are_no_number(self):
        for value, found in [("many", "'many'"), ("0", "'0'"), ("-1", "'-1'"), ("99999999999", "'99999999999'")]:
            run = self.graft("classify", "--model", self.classifier, "a text", env={"OMP_NUM_THREADS": value}, status=1)
            # OpenMP's own library may complain before.
            self.assertEqual(run.stderr.splitlines()[-1],
                             f"graft: OMP_NUM_THREADS: expected an integer from 1 to 1024, found {found}")

    def test_encoder_without_a_head(self):
        self.refused("classify", "--model", self.encoder, "a text", expect=["encoder", "without a head"])

    def test_labels_of_a_head_are_different(self):
        path = self.classifier / "config.json"
        config = json.loads(path.read_text())
        config["id2label"]["1"] = "positive"
        path.write_text(json.dumps(config))
        self.refused("classify", "--model", self.classifier, "a text",
                     expect=["id2label: expected different labels, found 'positive' twice"])

    def test_head_for_another_problem(self):
        path = self.classifier / "config.json"
        config = json.loads(path.read_text())
        config["problem_type"] = "multi_label_classification"
        path.write_text(json.dumps(config))
        self.refused("classify", "--model", self.classifier, "a text",
                     expect=["problem_type: expected single_label_classification", "multi_label_classification"])


class DataFiles(CommandTest):
    def train_refused(self, train, expect, dev=None, *more):
        before = self.entries()
        self.refused("train", "classify", "--model", self.encoder, "--train", train, "--dev", dev or train, "--out",
                     self.folder / "out", *more, expect=expect)
        self.assertEqual(self.entries(), before)

    def write(self, content, name="bad.tsv"):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def test_files(self):
        self.train_refused(self.folder / "nowhere.tsv", ["nowhere.tsv", "No such file"])
        self.train_refused(self.write(""), ["bad.tsv"])
        self.train_refused(self.write("text\tlabel\n"), ["bad.tsv"])
        self.train_refused(self.write("text\tlabel\ngood\tx\nno label\n"), ["bad.tsv:3"])
        self.train_refused(self.write("text\tlabel\ngood\tx\nempty label\t\n"), ["bad.tsv:3", "label"])
        self.train_refused(self.write("text\tlabel\ngood\tx\n\ty\n"), ["bad.tsv:3", "text"])
        self.train_refused(self.write("text\tlabel\ngood\tx\nalso good\tx\n"), ["bad.tsv", "x"])
        self.train_refused(self.write(b"text\tlabel\ngood\tx\nb\xffd\ty\n"), ["bad.tsv:3", "UTF-8"])
        self.train_refused(self.write("text,label\ngood,x\n\"open,y\n", "bad.csv"), ["bad.csv:3", "quote"])
        self.train_refused(self.write('{"text": "good", "label": "x"}\n{"text": 3, "label": "y"}\n', "bad.jsonl"),
                           ["bad.jsonl:2", "text"])

    def test_malformed_utf8_is_replaced_on_request(self):
        path = self.write(b"text\tlabel\ngood\tx\nb\xffd\ty\n")
        self.train("--max-steps", "1", "--invalid-utf8", "replace", train=path)

    def test_label_that_the_training_file_does_not_have(self):
        train = self.sentiment()
        dev = self.data("dev.tsv", [("good", "positive"), ("fine", "neutral")])
        self.train_refused(train, ["dev.tsv:3", "neutral", "positive"], dev)
        self.train("--max-steps", "1")
        self.refused("eval", "--model", self.folder / "out", "--data", dev, expect=["dev.tsv:3", "neutral"])

    def test_missing_columns(self):
        train = self.sentiment()
        self.train_refused(train, ["train.tsv", "mood"], None, "--label-column", "mood")
        self.train_refused(train, ["train.tsv", "7"], None, "--text-column", "7")

    def test_standard_input(self):
        self.refused("classify", "--model", self.classifier, raw=b"\xff", expect=["standard input:1", "UTF-8"])
        run = self.graft("classify", "--model", self.classifier, "--invalid-utf8", "replace", raw=b"a \xff b\n")
        self.assertIn("a \ufffd b", run.stdout)


class CommandLines(CommandTest):
    def usage(self, *arguments, expect):
        self.refused(*arguments, expect=expect, status=2)

    def test_unknown_option_suggests_the_nearest(self):
        self.usage("classify", "--modle", "x", expect=["--modle", "--model"])
        self.usage("train", "classify", "--lr", "1", expect=["--lr", "--learning-rate"])

    def test_missing_and_malformed_values(self):
        self.usage("classify", expect="--model")
        self.usage("clasify", "--model", "x", expect=["clasify", "classify"])
        self.usage(expect="expected")
        required = ["train", "classify", "--model", "a", "--train", "b", "--dev", "c", "--out", "d"]
        for option, value in [("--epochs", "0"), ("--epochs", "1.5"), ("--learning-rate", "nan"), ("--seed", "-1"),
                              ("--batch-size", "9" * 30), ("--pooling", "sum"), ("--freeze", "half"),
                              ("--warmup", "1.1"), ("--device", "tpu"), ("--threads", "x"), ("--metric", "mcc")]:
            self.usage(*required, option, value, expect=[option])

    def test_freeze_deeper_than_the_encoder(self):
        train = self.sentiment()
        self.refused("train", "classify", "--model", self.encoder, "--train", train, "--dev", train, "--out",
                     self.folder / "out", "--freeze", "9", expect=["--freeze", "from 0 to 3", "'9'"])

    def test_max_length_above_the_positions(self):
        train = self.sentiment()
        self.refused("train", "classify", "--model", self.encoder, "--train", train, "--dev", train, "--out",
                     self.folder / "out", "--max-length", "41", expect=["--max-length", "at most 40", "found 41"])

    def test_output_that_is_there_or_cannot_be(self):
        train = self.sentiment()
        (self.folder / "out").mkdir()
        (self.folder / "out" / "mine").write_text("x")
        common = ["train", "classify", "--model", self.encoder, "--train", train, "--dev", train, "--max-steps", "1"]
        for overwrite in [], ["--overwrite"]:
            self.refused(*common, "--out", self.folder / "out", *overwrite, expect=["out", "--overwrite"])
            self.assertEqual((self.folder / "out" / "mine").read_text(), "x")
        self.refused(*common, "--out", self.folder / "nowhere" / "out", expect=["nowhere", "No such file"])
        self.refused(*common, "--out", train, expect=["train.tsv", "found a file"])

    def test_standard_output_that_cannot_be_written(self):
        train = self.sentiment()
        self.train("--max-steps", "1")
        for verb in [["eval", "--model", self.folder / "out", "--data", train], ["inspect", "model", self.encoder],
                     ["classify", "--model", self.classifier, "a text"]]:
            with open("/dev/full", "wb") as full:
                run = subprocess.run([GRAFT, *verb], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(run.returncode, 1, verb)
            self.assertIn("standard output: cannot write", run.stderr.splitlines()[-1])

    def test_text_that_is_no_utf8(self):
        self.usage("classify", "--model", self.classifier, b"a \xff", expect=["text 1 of the command line: byte 2"])

    def test_standard_input_twice(self):
        self.usage("train", "classify", "--model", self.encoder, "--train", "-", "--dev", "-", "--out",
                   self.folder / "out", expect="--dev")

    def test_cuda_without_cuda(self):
        self.refused("classify", "--model", self.classifier, "--device", "cuda", "text", expect="--device cuda")


class FullDisk(CommandTest):
    def test_out_of_disk_on_save_leaves_nothing(self):
        train = self.sentiment()
        before = self.entries()
        # A file may not grow past so many bytes: the kernel's own "file too large", as on a full disk.
        run = subprocess.run(
            [GRAFT, "train", "classify", "--model", self.encoder, "--train", train, "--dev", train, "--out",
             self.folder / "out", "--max-steps", "1"],
            capture_output=True, text=True, check=False, restore_signals=False,  # Python ignores SIGXFSZ
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000)))
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("model.safetensors", run.stderr.splitlines()[-1])
        self.assertEqual(self.entries(), before)


if __name__ == "__main__":
    main()
