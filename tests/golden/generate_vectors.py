#!/usr/bin/env python3
"""Writes vectors/: a small file of every format of word vectors, each by its own package, and expected.json: what these
packages give for words that the files have and for others.

Run by hand in an environment with tests/parity/requirements-vectors.txt: python3 generate_vectors.py
fasttext and floret set a tenth of their matrix for each thread and leave the rest to chance (DenseMatrix::uniform of
0.9.3), so they train on ten, and their files are others each time; expected.json goes with them.
"""
import gzip
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent / 'vectors'
UNKNOWN = ['unbekannt', 'abc語', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'x']
# What loaders lose: words with U+00A0, U+0085 and blanks.
ODD = ['at\u00a0home', 'next\u0085line', '. . .']

# In a process of its own: it may fail by chance, and then tries again. Ten components: every tenth of a matrix is whole.
TRAIN = '''
import importlib, json, sys
package, function, arguments, options, path, quantize = json.loads(sys.argv[1])
model = getattr(importlib.import_module(package), function)(*arguments, **options)
if quantize is not None:
    model.quantize(*arguments[:1], **quantize)
model.save_model(path)
if package == 'floret':
    model.save_floret_vectors(path + '.floret')
'''


def numbers(array):
    """With the fewest digits that read as the same float32."""
    return [float(str(value)) for value in np.asarray(array, np.float32).ravel()]


def write_corpus(path, words, labels=False):
    rng = random.Random(1)
    letters = 'abcdefghijéüñ語'
    known = [''.join(rng.choice(letters) for _ in range(rng.randint(1, 7))) for _ in range(words)]
    with open(path, 'w', encoding='utf-8') as file:
        for i in range(40 * words):
            file.write((f'__label__{i % 3} ' if labels else '') + ' '.join(rng.choices(known, k=8)) + '\n')


def train(package, function, text, path, quantize=None, **options):
    for attempt in range(20):
        # t = 1: no word is so frequent that it is left out. With few words all others would be, and no loss be known.
        settings = {'verbose': 0, 'thread': 10, 'epoch': 1, 'minCount': 1, 't': 1, 'lr': 0.02 + attempt / 1000, **options}
        if function == 'train_supervised':
            del settings['t']
        order = json.dumps([package, function, [str(text)], settings, str(path), quantize])
        done = subprocess.run([sys.executable, '-c', TRAIN, order], capture_output=True)
        if done.returncode == 0:
            return
    raise RuntimeError(f'{path}: {done.stderr.decode()}')


def entry(file, format, rows, width, vectors, unknown=None, tolerance=0.0):
    return {'file': file, 'format': format, 'rows': rows, 'width': width, 'tolerance': tolerance,
            'vectors': vectors, 'unknown': unknown or {}}


def of_gensim(text):
    from gensim.models import FastText, KeyedVectors, Word2Vec
    from gensim.models.fasttext import load_facebook_vectors, save_facebook_model
    sentences = [line.split() for line in open(text, encoding='utf-8')]
    model = Word2Vec(sentences, vector_size=5, min_count=1, epochs=1, seed=1, workers=1).wv
    odd = KeyedVectors(5)
    odd.add_vectors(model.index_to_key + ODD, np.concatenate([model.vectors, model.vectors[:len(ODD)] / 3]))
    model.save_word2vec_format(HERE / 'gensim.vec')
    model.save_word2vec_format(HERE / 'gensim.bin', binary=True)
    odd.save_word2vec_format(HERE / 'gensim-no-header.txt', write_header=False)
    plain = (HERE / 'gensim.vec').read_bytes()
    with open(HERE / 'gensim.vec.gz', 'wb') as raw, gzip.GzipFile('', 'wb', fileobj=raw, mtime=0) as file:
        file.write(plain)
    with zipfile.ZipFile(HERE / 'gensim.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo('gensim.vec'), plain, zipfile.ZIP_DEFLATED)
    for name, format in [('gensim.vec', 'word2vec-text'), ('gensim.bin', 'word2vec-binary'),
                         ('gensim.vec.gz', 'word2vec-text'), ('gensim.zip', 'word2vec-text')]:
        back = KeyedVectors.load_word2vec_format(HERE / 'gensim.bin' if name == 'gensim.bin' else HERE / 'gensim.vec',
                                                 binary=name == 'gensim.bin')
        shown = back.index_to_key[:3 if name.endswith(('gz', 'zip')) else None]
        yield entry(name, format, len(back), 5, {w: numbers(back[w]) for w in shown})
    yield entry('gensim-no-header.txt', 'glove', len(odd), 5, {w: numbers(odd[w]) for w in odd.index_to_key})
    model = FastText(sentences, vector_size=5, min_count=1, epochs=1, seed=1, workers=1, bucket=30, min_n=2, max_n=4)
    save_facebook_model(model, str(HERE / 'gensim-fasttext.bin'))
    back = load_facebook_vectors(str(HERE / 'gensim-fasttext.bin'))
    yield entry('gensim-fasttext.bin', 'fasttext', len(back), 5, {w: numbers(back[w]) for w in back.index_to_key},
                {w: numbers(back[w]) for w in UNKNOWN}, 1e-6)


def of_fasttext(text, labelled, many):
    import fasttext
    orders = {
        'skipgram.bin': ('train_unsupervised', text, dict(model='skipgram', dim=10, bucket=30, minn=2, maxn=4)),
        'cbow-no-ngrams.bin': ('train_unsupervised', text, dict(model='cbow', dim=10, maxn=0)),
        'supervised.bin': ('train_supervised', labelled, dict(dim=10, wordNgrams=2, bucket=20, minn=2, maxn=3)),
        'quantized.ftz': ('train_supervised', many, dict(dim=10, bucket=40, minn=2, maxn=3,
                                                         quantize=dict(qnorm=True, dsub=2))),
        'pruned.ftz': ('train_supervised', many, dict(dim=10, bucket=400, minn=2, maxn=3,
                                                      quantize=dict(cutoff=260, retrain=False, dsub=2))),
    }
    for name, (function, data, options) in orders.items():
        train('fasttext', function, data, HERE / name, **options)
        model = fasttext.load_model(str(HERE / name))
        words = model.words
        shown = words if len(words) < 60 else words[:15] + words[-5:]
        yield entry(name, 'fasttext', len(words), model.get_dimension(),
                    {w: numbers(model.get_word_vector(w)) for w in shown},
                    {w: numbers(model.get_word_vector(w)) for w in UNKNOWN}, 1e-6)


def of_floret(text):
    import floret
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'model'
        train('floret', 'train_unsupervised', text, path, mode='floret', hashCount=2, bucket=50, minn=2, maxn=4, dim=10)
        model = floret.load_model(str(path))
        (HERE / 'floret.txt').write_bytes(pathlib.Path(f'{path}.floret').read_bytes())
        asked = UNKNOWN + model.words[1:8]
        # The file has a few digits of each number.
        yield entry('floret.txt', 'floret', 0, 10, {}, {w: numbers(model.get_word_vector(w)) for w in asked}, 1e-4)


def of_finalfusion():
    import finalfusion
    from finalfusion import compat
    compat.load_word2vec(str(HERE / 'gensim.bin')).write(str(HERE / 'simple.fifu'))
    back = finalfusion.load_finalfusion(str(HERE / 'simple.fifu'))
    yield entry('simple.fifu', 'finalfusion', len(back.vocab.words), 5,
                {w: numbers(back.storage[i]) for i, w in enumerate(back.vocab.words)})
    compat.load_fasttext(str(HERE / 'skipgram.bin')).write(str(HERE / 'subwords.fifu'))
    back = finalfusion.load_finalfusion(str(HERE / 'subwords.fifu'))
    unknown = {w: numbers(np.mean(back.storage[back.vocab.subword_indices(w)], 0)) for w in UNKNOWN[:3]}
    yield entry('subwords.fifu', 'finalfusion', len(back.vocab.words), 10,
                {w: numbers(back.storage[i]) for i, w in enumerate(back.vocab.words)}, unknown, 1e-6)


def of_numpy():
    words = ['the', 'of', 'naïve', 'at\u00a0home', 'a b']
    (HERE / 'words.txt').write_bytes('\n'.join(words).encode() + b'\n')
    matrix = np.random.default_rng(1).normal(size=(5, 4))
    for name, array in {'float32': matrix.astype('<f4'), 'float64': matrix,
                        'float16-fortran': np.asfortranarray(matrix.astype('<f2'))}.items():
        np.save(HERE / f'{name}.npy', array)
        yield entry(f'{name}.npy', 'numpy', 5, 4, {w: numbers(np.load(HERE / f'{name}.npy')[i]) for i, w in enumerate(words)})


def main():
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        write_corpus(work / 'text', 25)
        write_corpus(work / 'labelled', 25, labels=True)
        write_corpus(work / 'many', 320, labels=True)
        entries = [*of_gensim(work / 'text'), *of_fasttext(work / 'text', work / 'labelled', work / 'many'),
                   *of_floret(work / 'text'), *of_finalfusion(), *of_numpy()]
    (HERE / 'expected.json').write_text(
        '[\n' + ',\n'.join(json.dumps(e, ensure_ascii=False) for e in entries) + '\n]\n', encoding='utf-8')


if __name__ == '__main__':
    main()
