"""The verbs with good input: what they print, what they save, and that it fits together."""

import gzip
import json
import math
import os
import shutil
import signal
import struct
import subprocess

from command import GOLDEN, GRAFT, CommandTest, main


class Train(CommandTest):
    def test_learns_and_saves_a_folder_that_every_verb_opens(self):
        run = self.train("--epochs", "20", "--freeze", "1")
        self.assertIn("the embeddings and layer 1 of 3", run.stdout)
        self.assertIn("best, saved", run.stdout)
        out = self.folder / "out"
        report = json.loads(self.graft("eval", "--model", out, "--data", self.folder / "train.tsv", "--json").stdout)
        self.assertGreater(report["accuracy"]["value"], 0.9)
        rows = self.graft("classify", "--model", out, "The film is good.", "the plot is weak").stdout.splitlines()
        self.assertEqual([row.split("\t")[0] for row in rows], ["positive", "negative"])
        self.assertEqual(rows[0].split("\t")[2], "The film is good.")
        self.assertIn("mean pooling", self.graft("inspect", "model", out).stdout)

    def test_says_what_is_frozen_and_how_many_parameters_train(self):
        for freeze, stages in [("none", 0), ("embeddings", 1), ("0", 1), ("2", 3), ("all", 4)]:
            run = self.train("--max-steps", "1", "--freeze", freeze, "--json", out=self.folder / f"out-{freeze}")
            start = self.json_lines(run.stdout)[0]
            self.assertEqual(start["frozen_stages"], stages)
        model = json.loads(self.graft("inspect", "model", self.encoder, "--json").stdout)
        upper = sum(stage["parameters"] for stage in model["stages"][3:])
        run = self.train("--max-steps", "1", "--freeze", "2", "--json", out=self.folder / "again")
        self.assertEqual(self.json_lines(run.stdout)[0]["training_parameters"], upper + 2 * 36 + 2)

    def test_same_seed_gives_the_same_bytes(self):
        for out in "a", "b":
            self.train("--epochs", "2", out=self.folder / out)
        self.train("--epochs", "2", "--seed", "2", out=self.folder / "c")
        read = lambda out, name: (self.folder / out / name).read_bytes()
        for name in "model.safetensors", "2_Dense/model.safetensors":
            self.assertEqual(read("a", name), read("b", name))
            self.assertNotEqual(read("a", name), read("c", name))

    def test_frozen_weights_do_not_move(self):
        self.train("--epochs", "2", "--freeze", "2")
        before, after = tensors(self.encoder / "model.safetensors"), tensors(self.folder / "out" / "model.safetensors")
        for name, value in before.items():
            frozen = name.startswith("embeddings.") or ".layer.0." in name or ".layer.1." in name
            if name.endswith("key.bias"):  # softmax takes it out again: its gradient is zero
                frozen = True
            if name in after:
                self.assertEqual(after[name] == value, frozen, name)

    def test_poolings(self):
        for pooling in "cls", "mean", "max", "last":
            out = self.folder / pooling
            self.train("--max-steps", "2", "--pooling", pooling, out=out)
            head = json.loads(self.graft("inspect", "model", out, "--json").stdout)["head"]
            self.assertEqual((head["pooling"], head["pooler"]), (pooling, pooling == "cls"))
            architectures = json.loads((out / "config.json").read_text())["architectures"]
            self.assertEqual(architectures, ["BertForSequenceClassification" if pooling == "cls" else "BertModel"])
            self.assertEqual((out / "modules.json").exists(), pooling != "cls")

    def test_max_length_is_stored_and_used_later(self):
        run = self.train("--max-steps", "1", "--max-length", "6", "--json")
        start = self.json_lines(run.stdout)[0]
        self.assertEqual(start["max_length"], 6)
        self.assertGreater(start["cut_off_texts"], 0)
        row = self.graft("classify", "--model", self.folder / "out", "--json", "a b c d e f g").stdout
        self.assertEqual(json.loads(row)["cut_off_tokens"], 3)

    def test_a_model_that_graft_saved_keeps_its_max_length(self):
        """A longer one than the 128 of new models, and a shorter one."""
        self.give_positions(self.encoder, 300)
        for length in 200, 6:
            first = self.folder / f"first-{length}"
            self.train("--max-steps", "1", "--max-length", length, out=first)
            for arguments, expected in [([], length), (["--max-length", "30"], 30)]:
                run = self.train("--max-steps", "1", "--json", "--overwrite", *arguments, model=first)
                self.assertEqual(self.json_lines(run.stdout)[0]["max_length"], expected)
                graft_json = json.loads((self.folder / "out" / "graft.json").read_text())
                self.assertEqual(graft_json["max_length"], expected)
        (first / "graft.json").unlink()
        (first / "tokenizer_config.json").unlink()
        (first / "sentence_bert_config.json").unlink()
        run = self.train("--max-steps", "1", "--json", "--overwrite", model=first)
        self.assertEqual(self.json_lines(run.stdout)[0]["max_length"], 128)

    def give_positions(self, folder, count):
        """More positions for an encoder, by new rows of zeros in its table."""
        grow_table(folder / "model.safetensors", "embeddings.position_embeddings.weight", count)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": count}))
        for name, key in [("tokenizer_config.json", "model_max_length"), ("sentence_bert_config.json", "max_seq_length")]:
            settings = json.loads((folder / name).read_text())
            (folder / name).write_text(json.dumps({**settings, key: count}))

    def test_threads_are_those_of_the_option_else_of_the_environment(self):
        train = self.sentiment()
        for number, (arguments, variable, threads) in enumerate([
                ([], "1", 1), ([], "3,2", 3), (["--threads", "2"], "1", 2), (["--threads", "0"], "3", 3),
                ([], "", len(os.sched_getaffinity(0)))]):
            run = self.graft("train", "classify", "--model", self.encoder, "--train", train, "--dev", train, "--out",
                             self.folder / f"out-{number}", "--max-steps", "1", "--json", *arguments,
                             env={"OMP_NUM_THREADS": variable})
            self.assertEqual(self.json_lines(run.stdout)[0]["threads"], threads, (arguments, variable))
        self.assertIn("OMP_NUM_THREADS", self.graft("train", "classify", "--help").stdout)

    def test_patience_and_evaluations(self):
        run = self.train("--epochs", "50", "--eval-every", "2", "--patience", "2", "--json")
        lines = self.json_lines(run.stdout)
        end = lines[-1]
        self.assertTrue(end["out_of_patience"])
        evaluations = [line for line in lines if line["event"] == "evaluation"]
        self.assertEqual([line["step"] for line in evaluations], [2 * (i + 1) for i in range(len(evaluations))])
        self.assertEqual(evaluations[-3]["step"], end["best_step"])

    def test_a_signal_ends_the_run_with_the_best_model_saved(self):
        for number, status in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            out = self.folder / f"out-{status}"
            train = self.sentiment()
            process = subprocess.Popen(
                [GRAFT, "train", "classify", "--model", self.encoder, "--train", train, "--dev", train, "--out", out,
                 "--epochs", "100000", "--eval-every", "20", "--threads", "1", "--json"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            self.assertEqual(json.loads(process.stdout.readline())["event"], "start")
            self.assertEqual(json.loads(process.stdout.readline())["event"], "evaluation")
            process.send_signal(number)
            rest = process.communicate(timeout=60)[0]
            self.assertEqual(process.returncode, status)
            self.assertTrue(json.loads(rest.splitlines()[-1])["stopped"])
            self.graft("classify", "--model", out, "The film is good.")

    def test_a_signal_that_was_ignored_stays_ignored(self):
        train = self.sentiment()
        process = subprocess.Popen(
            [GRAFT, "train", "classify", "--model", self.encoder, "--train", train, "--dev", train, "--out",
             self.folder / "out", "--epochs", "100000", "--eval-every", "20", "--threads", "1", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        self.assertEqual(json.loads(process.stdout.readline())["event"], "start")
        self.assertEqual(json.loads(process.stdout.readline())["event"], "evaluation")
        process.send_signal(signal.SIGINT)
        for _ in range(3):
            self.assertEqual(json.loads(process.stdout.readline())["event"], "evaluation")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143)

    def test_an_existing_folder_is_replaced_only_on_request(self):
        self.train("--max-steps", "1")
        self.train("--max-steps", "1", "--overwrite")
        self.assertEqual([name for name in self.entries() if "tmp" in name], [])

    def test_a_model_can_be_trained_in_place(self):
        self.train("--epochs", "2")
        out = self.folder / "out"
        self.graft("train", "classify", "--model", out, "--train", self.folder / "train.tsv", "--dev",
                   self.folder / "train.tsv", "--out", out, "--overwrite", "--eval-every", "1", "--max-steps", "6")
        self.graft("eval", "--model", out, "--data", self.folder / "train.tsv")

    def test_a_path_that_is_no_utf8_stands_in_json_with_replacement_characters(self):
        path = bytes(self.folder) + b"/b\xffd"
        shutil.copytree(bytes(self.classifier), path)
        self.assertIn("b\ufffdd", json.loads(self.graft("inspect", "model", path, "--json").stdout)["model"])

    def test_training_goes_on_from_a_saved_classifier(self):
        self.train("--epochs", "10", out=self.folder / "first")
        run = self.graft("train", "classify", "--model", self.folder / "first", "--train", self.folder / "train.tsv",
                         "--dev", self.folder / "train.tsv", "--out", self.folder / "second", "--max-steps", "1",
                         "--learning-rate", "1e-9", "--json")
        self.assertEqual(self.json_lines(run.stdout)[0]["head"], "folder")
        self.assertGreater(self.json_lines(run.stdout)[-1]["best_accuracy"], 0.9)


class Data(CommandTest):
    def test_every_format_gives_the_same_model(self):
        rows = [line.split("\t") for line in self.sentiment().read_text().splitlines()[1:]]
        files = {
            "a.tsv": "text\tlabel\n" + "".join(f"{t}\t{l}\n" for t, l in rows),
            "b.csv": "label,text\r\n" + "".join(f'{l},"{t}"\r\n' for t, l in rows),
            "c.jsonl": "".join(json.dumps({"label": l, "text": t}) + "\n" for t, l in rows),
            "d.tsv": "".join(f"{t}\t{l}\n" for t, l in rows),
        }
        saved = set()
        for name, content in files.items():
            path = self.folder / name
            path.write_bytes(content.encode())
            packed = self.folder / (name + ".gz")
            packed.write_bytes(gzip.compress(content.encode()))
            for number, data in enumerate([path, packed]):
                out = self.folder / f"out-{name}-{number}"
                self.train("--max-steps", "2", train=data, out=out)
                saved.add((out / "model.safetensors").read_bytes())
        self.assertEqual(len(saved), 1)

    def test_columns_by_name_and_number(self):
        path = self.folder / "x.tsv"
        path.write_text("id\tmood\treview\n" + "1\tgood\tThe film is good.\n2\tbad\tthe plot is weak\n" * 4)
        self.train("--max-steps", "1", "--text-column", "review", "--label-column", "mood", train=path)
        path.write_text("1\tgood\tThe film is good.\n2\tbad\tthe plot is weak\n" * 4)
        self.train("--max-steps", "1", "--text-column", "3", "--label-column", "2", "--overwrite", train=path)
        labels = json.loads((self.folder / "out" / "graft.json").read_text())["labels"]
        self.assertEqual(labels, ["bad", "good"])


class Classify(CommandTest):
    def test_lines_of_standard_input(self):
        run = self.graft("classify", "--model", self.classifier, text="The film is good.\n\nthe plot is weak\n")
        rows = [row.split("\t") for row in run.stdout.splitlines()]
        self.assertEqual([row[2] for row in rows], ["The film is good.", "", "the plot is weak"])
        for row in rows:
            self.assertIn(row[0], ["negative", "neutral", "positive"])
            self.assertTrue(0 <= float(row[1]) <= 1)

    def test_json_scores_sum_to_one(self):
        run = self.graft("classify", "--model", self.classifier, "--json", "The film is good.")
        row = json.loads(run.stdout)
        self.assertAlmostEqual(sum(row["scores"].values()), 1, places=9)
        self.assertEqual(row["score"], max(row["scores"].values()))
        self.assertEqual(row["scores"][row["label"]], row["score"])

    def test_a_text_scores_the_same_in_any_company(self):
        texts = ["The film is good.", "the plot is weak", "grow " * 40, "a"]
        together = self.graft("classify", "--model", self.classifier, "--json", *texts).stdout.splitlines()
        for text, row in zip(texts, together):
            self.assertEqual(self.graft("classify", "--model", self.classifier, "--json", text).stdout.strip(), row)

    def test_scores_are_those_of_transformers(self):
        expected = tensors(GOLDEN / "bert-tiny" / "expected.safetensors")
        texts = json.loads((GOLDEN / "bert-tiny" / "texts.json").read_text())
        for number, item in enumerate(texts):
            if "pair" in item:
                continue
            logits = struct.unpack("<3f", expected[f"text{number}.logits"])
            weights = [math.exp(logit - max(logits)) for logit in logits]
            row = json.loads(self.graft("classify", "--model", self.classifier, "--json", item["text"]).stdout)
            for score, weight in zip(row["scores"].values(), weights):
                self.assertAlmostEqual(score, weight / sum(weights), delta=1e-5)

    def test_rows_that_pad_the_embedding_table_change_nothing(self):
        before = self.graft("classify", "--model", self.classifier, "--json", "The film is good.").stdout
        grow_table(self.classifier / "model.safetensors", "bert.embeddings.word_embeddings.weight", 160)
        config = json.loads((self.classifier / "config.json").read_text())
        (self.classifier / "config.json").write_text(json.dumps({**config, "vocab_size": 160}))
        self.assertEqual(self.graft("classify", "--model", self.classifier, "--json", "The film is good.").stdout,
                         before)

    def test_line_ends_in_an_argument_stay_on_one_line(self):
        run = self.graft("classify", "--model", self.classifier, "two\nlines")
        self.assertEqual(len(run.stdout.splitlines()), 1)


class Inspect(CommandTest):
    def inspect(self, folder):
        return json.loads(self.graft("inspect", "model", folder, "--json").stdout)

    def add_modules(self, folder, *modules):
        """Makes a sentence-transformers folder of it, with mean pooling."""
        shutil.copytree(self.encoder / "1_Pooling", folder / "1_Pooling")
        first = json.loads((self.encoder / "modules.json").read_text())
        (folder / "modules.json").write_text(json.dumps(
            first + [{"path": path, "type": "sentence_transformers.models." + name} for name, path in modules]))

    def test_says_what_becomes_of_the_pooler(self):
        self.assertEqual(self.inspect(self.classifier)["pooler"], "head")
        self.assertIsNone(self.inspect(self.encoder)["pooler"])
        path = self.classifier / "config.json"
        path.write_text(path.read_text().replace("BertForSequenceClassification", "BertModel"))
        model = self.inspect(self.classifier)
        self.assertEqual(model["pooler"], "new head")
        self.assertEqual(model["unused_tensors"], ["classifier.bias", "classifier.weight"])
        self.assertIn("a new head starts from it", self.graft("inspect", "model", self.classifier).stdout)
        self.add_modules(self.classifier)
        model = self.inspect(self.classifier)
        self.assertEqual(model["pooler"], "not used")
        self.assertEqual(model["unused_tensors"], ["bert.pooler.dense.bias", "bert.pooler.dense.weight",
                                                   "classifier.bias", "classifier.weight"])
        self.assertIn("pretrained; not used", self.graft("inspect", "model", self.classifier).stdout)

    def test_lists_modules_that_it_does_not_compute_with_their_tensors(self):
        self.train("--max-steps", "1")
        out = self.folder / "out"
        self.assertEqual(self.inspect(out)["unused_modules"], [])
        self.assertEqual(self.inspect(out)["unused_tensors"], [])
        (out / "graft.json").unlink()
        model = self.inspect(out)
        self.assertIsNone(model["head"])
        self.assertEqual(model["pooling"], "mean")
        self.assertEqual(model["unused_modules"], ["Dense (2_Dense)"])
        self.assertEqual(model["unused_tensors"], ["2_Dense/linear.bias", "2_Dense/linear.weight"])
        shutil.rmtree(self.classifier)
        shutil.copytree(self.encoder, self.classifier)
        shutil.rmtree(self.classifier / "1_Pooling")
        self.add_modules(self.classifier, ("Normalize", "2_Normalize"))
        self.assertEqual(self.inspect(self.classifier)["unused_modules"], ["Normalize (2_Normalize)"])
        self.assertIn("Normalize (2_Normalize)", self.graft("inspect", "model", self.classifier).stdout)

    def test_lists_tensors_of_its_own_head_that_it_does_not_read(self):
        self.train("--max-steps", "1")
        path = self.folder / "out" / "2_Dense" / "model.safetensors"
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8:8 + length])
        header["linear.extra"] = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length:])
        self.assertEqual(self.inspect(self.folder / "out")["unused_tensors"], ["2_Dense/linear.extra"])


class Heads(CommandTest):
    """Folders of transformers with other heads than text classification (tests/golden/families)."""

    def family(self, name):
        folder = self.folder / name
        shutil.copytree(GOLDEN / "families" / name, folder, ignore=shutil.ignore_patterns("expected*"))
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "film", "plot", "good", "bad"]
        (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words + [f"w{i}" for i in range(9, 40)]))
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
        return folder

    HEADS = [("bert-relu", "token classification, 5 labels"), ("gpt2-unscaled", "token classification, 5 labels"),
             ("roberta-language", "masked language model"), ("gpt2-language", "causal language model")]

    def test_inspect_names_the_head(self):
        for name, head in self.HEADS:
            folder = self.family(name)
            model = json.loads(self.graft("inspect", "model", folder, "--json").stdout)
            self.assertEqual(model["head"]["kind"], head.split(",")[0])
            self.assertEqual(model["unused_tensors"], [])
            self.assertEqual(model["missing_tensors"], [])
            text = self.graft("inspect", "model", folder).stdout
            self.assertRegex(text, rf"(?m)^head +{head}$")
            if "token" in head:
                self.assertEqual(model["head"]["labels"], [f"LABEL_{i}" for i in range(5)])
                self.assertRegex(text, r"(?m)^labels +LABEL_0, LABEL_1, LABEL_2, LABEL_3, LABEL_4$")
            else:
                self.assertIs(model["head"]["tied"], True)
        self.assertIs(json.loads(self.graft("inspect", "model", self.family("gpt2-untied"), "--json").stdout)["head"]["tied"],
                      False)

    def test_classify_and_eval_say_what_they_found(self):
        for name, head in self.HEADS:
            folder = self.family(name)
            expect = f"{name}: expected a trained classifier of texts, found an encoder with another head ({head})"
            self.refused("classify", "--model", folder, "a text", expect=expect)
            self.refused("eval", "--model", folder, "--data", self.sentiment(), expect=expect)

    def test_training_says_what_it_found_and_begins_a_new_head(self):
        for name, head in self.HEADS:
            folder, out = self.family(name), self.folder / f"out-{name}"
            start = self.json_lines(self.train("--max-steps", "1", "--json", model=folder, out=out).stdout)[0]
            self.assertEqual((start["head"], start["found_head"]), ("new", head))
            text = self.train("--max-steps", "1", "--overwrite", model=folder, out=out).stdout
            self.assertRegex(text, rf"(?m)^its own head +{head}; not used$")
            row = json.loads(self.graft("classify", "--model", out, "--json", "good film").stdout)
            self.assertEqual(set(row["scores"]), {"negative", "positive"})

    def test_a_decoder_classifies_by_its_last_token(self):
        out = self.folder / "out"
        self.train("--max-steps", "1", model=self.family("gpt2-language"))
        self.assertEqual(json.loads((out / "config.json").read_text())["architectures"], ["GPT2ForSequenceClassification"])
        self.assertEqual(json.loads((out / "graft.json").read_text())["pooling"], "last")
        self.assertIn("text classification, last pooling", self.graft("inspect", "model", out).stdout)

    def test_a_text_without_tokens_is_refused(self):
        model = self.folder / "gpt2"
        shutil.copytree(GOLDEN / "scores" / "gpt2", model)
        self.train("--max-steps", "1", model=model)
        self.graft("classify", "--model", self.folder / "out", "a")
        self.refused("classify", "--model", self.folder / "out", "", expect="at least one token, found '' without any")


class Help(CommandTest):
    def test_every_verb_has_help_with_an_example(self):
        for verb in [["train", "classify"], ["eval"], ["classify"], ["embed"], ["search"], ["tokenize"],
                     ["inspect", "model"], ["verify", "tokenizer"], ["verify", "weights"], ["convert"]]:
            run = self.graft(*verb, "--help")
            self.assertIn("graft " + " ".join(verb), run.stdout)
            self.assertEqual(run.stderr, "")

    def test_version(self):
        self.assertRegex(self.graft("--version").stdout, r"^graft \d+\.\d+\.\d+\n$")


def grow_table(path, name, rows):
    """Gives a table of a safetensors file so many rows; the new ones are zeros."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    table = header[name]
    end = table["data_offsets"][1]
    more = rows - table["shape"][0]
    bytes_more = more * table["shape"][1] * 4
    for tensor in header.values():
        if tensor.get("data_offsets", [0])[0] >= end:
            tensor["data_offsets"] = [offset + bytes_more for offset in tensor["data_offsets"]]
    table["shape"][0] += more
    table["data_offsets"][1] += bytes_more
    text = json.dumps(header).encode()
    end += 8 + length
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length:end] + bytes(bytes_more) + data[end:])


def tensors(path):
    """Bytes of every tensor of a safetensors file."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    base = 8 + length
    return {name: data[base + t["data_offsets"][0]:base + t["data_offsets"][1]] for name, t in header.items()}


if __name__ == "__main__":
    main()
