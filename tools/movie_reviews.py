#!/usr/bin/env python3
"""Makes a sentiment data set of rated movie-review snippets.

    movie_reviews.py ARCHIVE FOLDER        writes FOLDER/train.tsv, dev.tsv and test.tsv
    movie_reviews.py --joined [ARCHIVE]    prints long texts for benchmarks, one a line

ARCHIVE is the source distribution of vaderSentiment 3.3.2 (MIT licence), which holds the ratings of
Hutto and Gilbert (ICWSM 2014): a mean over twenty raters, from -4 to 4. With --joined it may be
left out: then it is the one that tools/quickstart.sh has downloaded.

A rating above 0 is `positive`, below 0 `negative`; 0 is left out. A hash of the text chooses the
split (80 % train, 10 % dev, 10 % test), so the splits are always the same and a text that occurs
twice lies in one of them. Long texts are consecutive snippets joined to about 200 tokens, a word
being taken as 1.3 tokens. Needs nothing but Python's standard library.
"""
import argparse
import glob
import hashlib
import io
import math
import os
import pathlib
import re
import sys
import tarfile
import tempfile

INNER_ARCHIVE = 'additional_resources/hutto_ICWSM_2014.tar.gz'
RATINGS = 'hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt'
MAX_MEMBER_BYTES = 64 << 20
SPLITS = ('train', 'dev', 'test')
TOKENS_PER_WORD = 1.3
JOINED_TOKENS = 200


class DataError(Exception):
    """A file that is not what was expected; the message names it."""


def read_member(archive, opened, suffix):
    """The bytes of the one regular file whose name ends in `suffix`. Nothing is unpacked."""
    found = [m for m in opened.getmembers() if m.isfile() and ('/' + m.name).endswith('/' + suffix)]
    if len(found) != 1:
        raise DataError(f'{archive}: expected one file {suffix}, found {len(found)}')
    if found[0].size > MAX_MEMBER_BYTES:
        raise DataError(f'{archive}: {suffix}: expected at most {MAX_MEMBER_BYTES} bytes, '
                        f'found {found[0].size}')
    return opened.extractfile(found[0]).read()


def read_ratings(archive):
    """(rating, text) of every snippet, in file order."""
    try:
        with tarfile.open(archive, 'r:gz') as outer:
            inner = read_member(archive, outer, INNER_ARCHIVE)
        with tarfile.open(fileobj=io.BytesIO(inner), mode='r:gz') as opened:
            ratings = read_member(f'{archive}: {INNER_ARCHIVE}', opened, RATINGS)
    except FileNotFoundError:
        raise DataError(f'{archive}: no such file') from None
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f'{archive}: expected a tar.gz archive, found a damaged one '
                        f'({error})') from None
    return parse_ratings(ratings, f'{archive}: {RATINGS}')


def parse_ratings(contents, source):
    try:
        lines = contents.decode('utf-8').replace('\r\n', '\n').split('\n')
    except UnicodeDecodeError as error:
        raise DataError(f'{source}: byte {error.start}: expected UTF-8') from None
    rows = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        fields = line.split('\t')
        if len(fields) != 3:
            raise DataError(f'{source}:{number}: expected id, rating and text between tabs, '
                            f'found {len(fields)} fields')
        try:
            rating = float(fields[1])
        except ValueError:
            rating = math.nan
        if not -4 <= rating <= 4:
            raise DataError(f'{source}:{number}: expected a rating from -4 to 4, '
                            f'found {fields[1]!r}')
        if not fields[2].strip():
            raise DataError(f'{source}:{number}: expected a text, found none')
        rows.append((rating, fields[2].strip()))
    if not rows:
        raise DataError(f'{source}: expected ratings, found none')
    return rows


def split_of(text):
    tenth = int(hashlib.sha256(text.encode('utf-8')).hexdigest(), 16) % 10
    return 'dev' if tenth == 8 else 'test' if tenth == 9 else 'train'


def write_whole(path, contents):
    """The file appears under its name only when it is complete."""
    path = pathlib.Path(path)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.tmp-')
    try:
        with os.fdopen(descriptor, 'w', encoding='utf-8', newline='\n') as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes files that only their owner reads
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_splits(rows, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    splits = {name: [] for name in SPLITS}
    for rating, text in rows:
        if rating != 0:
            splits[split_of(text)].append((text, 'positive' if rating > 0 else 'negative'))
    for name, pairs in splits.items():
        lines = ['text\tlabel\n'] + [f'{text}\t{label}\n' for text, label in pairs]
        write_whole(folder / f'{name}.tsv', ''.join(lines))
        positive = sum(label == 'positive' for _, label in pairs)
        print(f'{folder / name}.tsv: {len(pairs)} texts, {positive} positive, '
              f'{len(pairs) - positive} negative')
    neutral = sum(rating == 0 for rating, _ in rows)
    repeated = len(rows) - len({text for _, text in rows})
    print(f'{len(rows)} snippets read, {neutral} with rating 0 left out, '
          f'{repeated} repeated texts, each in the split of its first')


def join_texts(texts):
    """Consecutive texts joined by spaces; each result is as near to JOINED_TOKENS as whole texts
    allow. A rest that is shorter than half of that is dropped."""
    joined, parts, tokens = [], [], 0.0
    for text in texts:
        more = len(text.split()) * TOKENS_PER_WORD
        if parts and tokens + more / 2 > JOINED_TOKENS:
            joined.append(' '.join(parts))
            parts, tokens = [], 0.0
        parts.append(text)
        tokens += more
    if tokens >= JOINED_TOKENS / 2:
        joined.append(' '.join(parts))
    return joined


def downloaded_archive():
    root = pathlib.Path(__file__).resolve().parent.parent
    version = re.search(r'^vaderSentiment==(\S+)', (root / 'tools/pins.txt').read_text(), re.M)[1]
    cache = os.environ.get('GRAFT_CACHE') or os.path.join(
        os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'graft')
    found = glob.glob(os.path.join(glob.escape(cache), f'vaderSentiment-{version}', '*.tar.gz'))
    if not found:
        raise DataError(f'{cache}: expected vaderSentiment {version}, found none; '
                        'run tools/quickstart.sh, or name the archive')
    return found[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('archive', nargs='?', metavar='ARCHIVE')
    parser.add_argument('folder', nargs='?', metavar='FOLDER')
    parser.add_argument('--joined', action='store_true', help='print long texts, one a line')
    arguments = parser.parse_args()
    if arguments.joined and arguments.folder:
        parser.error('--joined writes to standard output, it takes no FOLDER')
    if not arguments.joined and not arguments.folder:
        parser.error('expected ARCHIVE and FOLDER')
    try:
        rows = read_ratings(arguments.archive or downloaded_archive())
        if arguments.joined:
            sys.stdout.reconfigure(encoding='utf-8', newline='\n')
            print('\n'.join(join_texts(text for _, text in rows)))
        else:
            write_splits(rows, arguments.folder)
    except (DataError, OSError) as error:
        sys.exit(f'movie_reviews.py: {error}')


if __name__ == '__main__':
    main()
