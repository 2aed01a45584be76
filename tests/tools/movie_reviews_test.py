#!/usr/bin/env python3
"""Tests of tools/movie_reviews.py on a small archive made here."""
import io
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / 'tools' / 'movie_reviews.py'
INNER = 'hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt'
OUTER = 'vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz'


def tar_gz(name, contents):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w:gz') as archive:
        member = tarfile.TarInfo(name)
        member.size = len(contents)
        archive.addfile(member, io.BytesIO(contents))
    return buffer.getvalue()


def rating_lines(rows):
    return ''.join(f'{i}\t{rating}\t{text}\r\n' for i, (rating, text) in enumerate(rows, 1)).encode()


class MovieReviewsTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.archive = self.folder / 'archive.tar.gz'

    def run_script(self, contents, *arguments):
        self.archive.write_bytes(tar_gz(OUTER, tar_gz(INNER, contents)))
        return subprocess.run([sys.executable, SCRIPT, self.archive, *arguments],
                              capture_output=True, text=True, encoding='utf-8')

    def read_splits(self):
        splits = {}
        for name in ('train', 'dev', 'test'):
            lines = (self.folder / 'out' / f'{name}.tsv').read_text('utf-8').split('\n')
            self.assertEqual(lines[0], 'text\tlabel')
            self.assertEqual(lines[-1], '')
            splits[name] = [tuple(line.split('\t')) for line in lines[1:-1]]
        return splits

    def test_every_rated_snippet_lies_in_one_split_with_its_label(self):
        rows = [((i % 9 - 4) / 2, f'snippet numéro {i % 900}') for i in range(1000)]
        result = self.run_script(rating_lines(rows), self.folder / 'out')
        self.assertEqual(result.returncode, 0, result.stderr)
        splits = self.read_splits()
        written = sorted(pair for pairs in splits.values() for pair in pairs)
        expected = sorted((text, 'positive' if rating > 0 else 'negative')
                          for rating, text in rows if rating != 0)
        self.assertEqual(written, expected)
        texts = {name: {text for text, _ in pairs} for name, pairs in splits.items()}
        self.assertFalse(texts['train'] & texts['dev'] | texts['train'] & texts['test'] |
                         texts['dev'] & texts['test'])
        self.assertAlmostEqual(len(splits['train']) / len(expected), 0.8, delta=0.04)
        self.assertAlmostEqual(len(splits['dev']) / len(expected), 0.1, delta=0.03)
        self.assertIn('1000 snippets read, 111 with rating 0 left out, 100 repeated', result.stdout)
        self.assertEqual(sorted(os.listdir(self.folder / 'out')),
                         ['dev.tsv', 'test.tsv', 'train.tsv'])

    def test_splits_never_change(self):
        rows = [(1.0, 'good film'), (-1.0, 'a bore'), (2.0, 'see it'), (1.0, 'tale of two'),
                (-2.0, 'dull dull dull'), (0.5, 'fine cast')]
        self.assertEqual(self.run_script(rating_lines(rows), self.folder / 'out').returncode, 0)
        where = {text: name for name, pairs in self.read_splits().items() for text, _ in pairs}
        self.assertEqual(where, {'good film': 'train', 'a bore': 'test', 'see it': 'train',
                                 'tale of two': 'train', 'dull dull dull': 'dev',
                                 'fine cast': 'train'})

    def test_joined_texts_are_about_200_tokens_of_consecutive_snippets(self):
        rows = [(1.0, ' '.join(f'w{i}_{j}' for j in range(5 + i * 7 % 40))) for i in range(200)]
        result = self.run_script(rating_lines(rows), '--joined')
        self.assertEqual(result.returncode, 0, result.stderr)
        joined = result.stdout.split('\n')[:-1]
        words = ' '.join(text for _, text in rows).split()
        self.assertEqual(' '.join(joined).split(), words[:sum(len(t.split()) for t in joined)])
        self.assertGreater(sum(len(t.split()) for t in joined), len(words) - 200)
        for text in joined[:-1]:
            self.assertAlmostEqual(len(text.split()) * 1.3, 200, delta=45 * 1.3 / 2 + 2)

    def test_faults_are_named_and_write_nothing(self):
        good = rating_lines([(1.0, 'good film'), (-1.0, 'a bore')])
        for contents, message in (
            (good + b'3\t1.0\n', 'GroundTruth.txt:3: expected id, rating and text between tabs'),
            (good + b'3\tnan\tx\n', "GroundTruth.txt:3: expected a rating from -4 to 4, found 'nan'"),
            (good + b'3\t5\tx\n', "GroundTruth.txt:3: expected a rating from -4 to 4, found '5'"),
            (good + b'3\t1\t \n', 'GroundTruth.txt:3: expected a text, found none'),
            (good + b'3\t1\t\xff\n', 'GroundTruth.txt: byte 36: expected UTF-8'),
            (b'', 'GroundTruth.txt: expected ratings, found none')):
            with self.subTest(message):
                result = self.run_script(contents, self.folder / 'out')
                self.assertEqual(result.returncode, 1)
                self.assertIn(message, result.stderr)
                self.assertEqual(result.stderr.count('\n'), 1)
                self.assertFalse((self.folder / 'out').exists())

    def test_damaged_and_missing_archives_are_named(self):
        whole = tar_gz(OUTER, tar_gz(INNER, os.urandom(4000)))
        archives = {'absent.tar.gz': None, 'text.tar.gz': b'no archive',
                    'cut.tar.gz': whole[:len(whole) // 2],
                    'other.tar.gz': tar_gz('something/else', b'x'),
                    'inner.tar.gz': tar_gz(OUTER, b'no archive')}
        for name, contents in archives.items():
            with self.subTest(name):
                path = self.folder / name
                if contents is not None:
                    path.write_bytes(contents)
                result = subprocess.run([sys.executable, SCRIPT, path, self.folder / 'out'],
                                        capture_output=True, text=True)
                self.assertEqual(result.returncode, 1)
                self.assertIn(str(path), result.stderr)
                self.assertEqual(result.stderr.count('\n'), 1)


if __name__ == '__main__':
    unittest.main()
