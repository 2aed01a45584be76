#!/usr/bin/env python3
"""Writes unicode_differences.inc: where the characters of `tokenizers` differ from those of ICU.

Every code point is put through the peer (Python package tokenizers) and through ICU (called in its shared
library); what differs becomes a table. Run it again after a change of the peer's version:

  python3 tokenizers/generate_unicode_differences.py [--icu 72] > tokenizers/unicode_differences.inc

property_hashes() is what the test of unicode.h compares with, class_hash() that of char_class.h.
"""

import argparse
import ctypes
import sys

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

CC, CF, CO, MN, MC, ME, ND, NL, NO, PC = 15, 16, 17, 6, 8, 7, 9, 10, 11, 22
LETTERS, NUMBERS = {1, 2, 3, 4, 5}, {ND, NL, NO}
PUNCTUATION = {19, 20, 21, 22, 23, 28, 29}
CODES = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
(CONTROL, WHITESPACE, PUNCT, MARK, CJK, DECOMPOSES, WORD, LOWERS_TO_TWO, COMBINING, NUMERIC, COMPATIBILITY, LETTER,
 NUMBER) = (1 << i for i in range(13))
NAMES = {CONTROL: "kControl", PUNCT: "kPunctuation", MARK: "kNonspacingMark", DECOMPOSES: "kDecomposes",
         WORD: "kWordCharacter", WHITESPACE: "kWhitespace", COMBINING: "kCombiningMark", NUMERIC: "kNumeric",
         COMPATIBILITY: "kCompatibility", LETTER: "kLetter", NUMBER: "kNumber"}
# General categories that patterns of real models name, in the order of ICU's numbers.
CATEGORIES = ["Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Me", "Mc", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf",
              "Co", "Cs", "Pd", "Ps", "Pe", "Pc", "Po", "Sm", "Sc", "Sk", "So", "Pi", "Pf"]
CJK_BLOCKS = [(0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
              (0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0x2F800, 0x2FA1F)]


class Peer:
    """What tokenizers does with one character."""

    def __init__(self):
        def step(**on):
            off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
            return normalizers.BertNormalizer(**{**off, **on}).normalize_str

        self.clean, self.cjk = step(clean_text=True), step(handle_chinese_chars=True)
        self.strip, self.lower = step(strip_accents=True), step(lowercase=True)
        self.nfd, self.nfkd = normalizers.NFD().normalize_str, normalizers.NFKD().normalize_str
        self.marks = normalizers.StripAccents().normalize_str
        self.split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
        self.word = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
        self.word.add_tokens([AddedToken("<m>", single_word=True, normalized=False)])
        digits = pre_tokenizers.Digits(individual_digits=True)
        self.numeric = {ord(piece) for piece, _ in digits.pre_tokenize_str("".join(f"{chr(c)}a" for c in CODES))
                        if piece != "a" and len(piece) == 1}
        self.letters, self.numbers = self.matching(r"\p{L}"), self.matching(r"\p{N}")

    def matching(self, pattern):
        """The characters that a pattern of one character matches."""
        left = set()
        split = pre_tokenizers.Split(Regex(pattern), "removed").pre_tokenize_str("".join(map(chr, CODES)))
        for _, (begin, end) in split:
            left.update(CODES[begin:end])
        return set(CODES) - left

    def categories(self):
        """General category by code point, as the patterns see it."""
        return {c: name for name in CATEGORIES if name != "Cs" for c in self.matching(rf"\p{{{name}}}")}

    def flags(self, c):
        s, flags = chr(c), 0
        cleaned = self.clean(f"a{s}b")
        assert cleaned in ("ab", "a b", f"a{s}b"), hex(c)
        flags |= CONTROL if cleaned == "ab" else 0
        pieces = [piece for piece, _ in self.split(f"a{s}b")]
        flags |= {1: 0, 2: WHITESPACE, 3: PUNCT}[len(pieces)]
        assert cleaned == "ab" or (cleaned == "a b") == (len(pieces) == 2), hex(c)
        flags |= CJK if self.cjk(s) == f" {s} " else 0
        decomposed = self.nfd(s)
        flags |= DECOMPOSES if decomposed != s else 0
        flags |= MARK if decomposed == s and self.strip(s) == "" else 0
        flags |= LOWERS_TO_TWO if len(self.lower(s)) == 2 else 0
        flags |= WORD if 1 not in self.word.encode(f"{s}<m>").ids else 0
        flags |= COMBINING if self.marks(s) == "" else 0
        flags |= NUMERIC if c in self.numeric else 0
        flags |= COMPATIBILITY if self.nfkd(s) != decomposed else 0
        flags |= (LETTER if c in self.letters else 0) | (NUMBER if c in self.numbers else 0)
        return flags

    def goes_before(self, x, y):
        """Whether canonical ordering moves x before y: 0 < class of x < class of y."""
        text = f"a{chr(y)}{chr(x)}"
        return self.nfd(text) != text

    def combining_classes(self, icu_class):
        """Class by code point, read off the places that NFD moves characters to. Needs one known member of
        each class, taken from ICU's oldest characters."""
        candidates = [c for c in CODES if self.nfd(chr(c)) == chr(c) and
                      (self.goes_before(c, 0x345) or self.goes_before(0x334, c) or c in (0x334, 0x345))]
        member = {}
        for c in candidates:
            member.setdefault(icu_class(c), c)
        classes = {}
        for c in candidates:
            same = [k for k, m in member.items() if not self.goes_before(c, m) and not self.goes_before(m, c)]
            assert len(same) == 1 and same[0] > 0, (hex(c), same)
            classes[c] = same[0]
        return classes


class Icu:
    def __init__(self, version):
        self.library, self.version = ctypes.CDLL(f"libicuuc.so.{version}"), version
        self.type = self.call("u_charType", ctypes.c_int8)
        self.lower = self.call("u_tolower", ctypes.c_int32)
        self.combining_class = self.call("u_getCombiningClass", ctypes.c_uint8)
        self.white, self.alphabetic = (self.call(f"u_isU{n}", ctypes.c_int8) for n in ("WhiteSpace", "Alphabetic"))
        error = ctypes.c_int(0)
        self.nfd, self.nfkd = (ctypes.c_void_p(self.call(f"unorm2_get{form}Instance", ctypes.c_void_p)(
            ctypes.byref(error))) for form in ("NFD", "NFKD"))
        self.decompose = self.call("unorm2_getDecomposition", ctypes.c_int32)

    def call(self, name, result):
        function = getattr(self.library, f"{name}_{self.version}")
        function.restype = result
        return function

    def unicode_version(self):
        version = (ctypes.c_uint8 * 4)()
        self.call("u_getUnicodeVersion", None)(version)
        return list(version)

    def decomposition(self, c, form=None):
        buffer, error = ctypes.create_string_buffer(64), ctypes.c_int(0)
        length = self.decompose(form or self.nfd, c, buffer, 32, ctypes.byref(error))
        return chr(c) if length < 0 else buffer.raw[:2 * length].decode("utf-16-le")

    def flags(self, c):
        kind, flags = self.type(c), 0
        if (kind in (CC, CF, CO) and c not in (9, 10, 13)) or c in (0, 0xFFFD):
            flags |= CONTROL
        flags |= WHITESPACE if self.white(c) else 0
        if kind in PUNCTUATION or (c < 128 and chr(c).isprintable() and not chr(c).isalnum() and c != 32):
            flags |= PUNCT
        flags |= MARK if kind == MN else 0
        flags |= CJK if any(a <= c <= b for a, b in CJK_BLOCKS) else 0
        flags |= DECOMPOSES if self.decomposition(c) != chr(c) else 0
        if self.alphabetic(c) or kind in (MN, MC, ME, ND, PC) or c in (0x200C, 0x200D):
            flags |= WORD
        flags |= LOWERS_TO_TWO if c == 0x130 else 0
        flags |= COMBINING if kind in (MN, MC, ME) else 0
        flags |= NUMERIC | NUMBER if kind in NUMBERS else 0
        flags |= LETTER if kind in LETTERS else 0
        flags |= COMPATIBILITY if self.decomposition(c, self.nfkd) != self.decomposition(c) else 0
        return flags


def stand_ins(peer, icu):
    """(first, last, stand-in) where patterns see another category than ICU's: the stand-in is a character of the
    same length in UTF-16 that ICU gives that category, a Han character for Han characters."""
    want, han = peer.categories(), peer.matching(r"\p{Han}")
    known = {}
    for c in CODES:
        # Characters that no pattern names: none of ASCII, of Han or with a lower case.
        if c >= 0x370 and c not in han and want[c] == CATEGORIES[icu.type(c)] and icu.lower(c) == c:
            known.setdefault((c >= 0x10000, want[c]), c)
    known[False, "Lu"], known[False, "Ll"] = 0x3D2, 0x3D7
    pairs = []
    for c in CODES:
        if want[c] != CATEGORIES[icu.type(c)]:
            pairs.append((c, (0x20000 if c >= 0x10000 else 0x4E00) if c in han and want[c] == "Lo"
                          else known[c >= 0x10000, want[c]]))
    return runs(pairs)


def script_rows(icu):
    """(first, last, script) where the peer's UnicodeScripts sees another script than ICU; -1 joins any text."""
    split = pre_tokenizers.UnicodeScripts().pre_tokenize_str
    script_of, error = icu.call("uscript_getScript", ctypes.c_int32), ctypes.c_int(0)
    han, kana, unknown = 17, (20, 22), 103
    scripts = {c: script_of(c, ctypes.byref(error)) for c in CODES}
    scripts = {c: han if s in kana or c == 0x30FC else -1 if s == unknown or c == 32 else s for c, s in scripts.items()}
    member = {}
    for c, s in scripts.items():
        if s >= 0 and len(split(chr(c))) == 1:
            member.setdefault(s, chr(c))

    def joins(s, c):
        return len(split(member[s] + chr(c))) == 1

    pairs = []
    for c, s in scripts.items():
        latin, other = 25, han
        if s < 0 and joins(latin, c) and joins(other, c):
            continue
        if s >= 0 and s in member and joins(s, c) and not joins(other if s != han else latin, c):
            continue
        found = -1 if joins(latin, c) and joins(other, c) else next(k for k in member if joins(k, c))
        pairs.append((c, found))
    return runs(pairs)


def runs(pairs):
    """[(code, value)] to [(first, last, value)]."""
    out = []
    for c, value in pairs:
        if out and out[-1][1] == c - 1 and out[-1][2] == value:
            out[-1][1] = c
        else:
            out.append([c, c, value])
    return out


def table(type_name, name, rows):
    print(f"constexpr {type_name} {name}[] = {{")
    for row in rows:
        print(f"    {{{row}}},")
    print("};")


def property_hashes(icu=72):
    """FNV-1a (64 bits) of each plane's lines "code flags class lower decomposition...", in hexadecimal."""
    peer = Peer()
    classes = peer.combining_classes(Icu(icu).combining_class)
    out = ""
    for plane in range(17):
        value = 0xCBF29CE484222325
        for c in range(plane << 16, (plane + 1) << 16):
            if 0xD800 <= c < 0xE000:
                continue
            parts = " ".join(f"{ord(p):X}" for form in (peer.nfd, peer.nfkd) for p in form(chr(c)))
            line = f"{c:X} {peer.flags(c):X} {classes.get(c, 0):X} {ord(peer.lower(chr(c))[0]):X} {parts}\n"
            for byte in line.encode():
                value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
        out += f"{plane} {value:016X}\n"
    return out


def byte_level_class(split, c):
    """0 to 3: whether the pattern of ByteLevel takes it for a space, a letter, a number or another character."""
    pieces = [offsets for _, offsets in split(f"a{chr(c)}1")]
    if len(pieces) == 2 and c != 0x20:
        return 1 if pieces[0] == (0, 2) else 2
    # Of two whitespaces in a row the last one stands alone, or with what follows.
    return 0 if split(f"{chr(c)}{chr(c)}x")[0][1] == (0, 1) else 3


def class_hash():
    """FNV-1a (64 bits) of the classes of all code points but surrogates, a digit each."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    value = 0xCBF29CE484222325
    for c in CODES:
        value = (value ^ ord(str(byte_level_class(split, c)))) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016X}"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--icu", type=int, default=72)
    options = arguments.parse_args()
    peer, icu = Peer(), Icu(options.icu)
    classes = peer.combining_classes(icu.combining_class)
    flags = {c: peer.flags(c) for c in CODES}
    lower = {c: peer.lower(chr(c)) for c in CODES}

    flag_rows = []
    for flag, name in NAMES.items():
        # Mn is asked after decomposition only.
        skip = DECOMPOSES if flag == MARK else 0
        different = [(c, bool(flags[c] & flag)) for c in CODES
                     if (flags[c] ^ icu.flags(c)) & flag and not flags[c] & skip]
        flag_rows += [f"0x{a:04X}, 0x{b:04X}, {name}, {str(v).lower()}" for a, b, v in runs(different)]
    for c in CODES:
        assert not (flags[c] ^ icu.flags(c)) & (CJK | LOWERS_TO_TWO), hex(c)
        if flags[c] & DECOMPOSES:
            assert peer.nfd(chr(c)) == icu.decomposition(c), hex(c)
        if flags[c] & COMPATIBILITY:
            assert peer.nfkd(chr(c)) == icu.decomposition(c, icu.nfkd), hex(c)
        if flags[c] & LOWERS_TO_TWO:
            assert lower[c] == "i\u0307"
    class_rows = [(c, classes.get(c, 0)) for c in CODES
                  if classes.get(c, 0) != icu.combining_class(c) and not flags[c] & DECOMPOSES]
    lower_rows = [(c, ord(lower[c][0])) for c in CODES if ord(lower[c][0]) != icu.lower(c)]

    major, minor = icu.unicode_version()[:2]
    print(f"// Generated by generate_unicode_differences.py from tokenizers {tokenizers.__version__} and ICU"
          f" {options.icu} (Unicode {major}.{minor}); do not edit.")
    print("// clang-format off")
    print(f"constexpr uint8_t kIcuDataMajor = {major}, kIcuDataMinor = {minor};")
    table("FlagDifference", "kFlagDifferences", flag_rows)
    table("ClassDifference", "kClassDifferences", [f"0x{a:04X}, 0x{b:04X}, {v}" for a, b, v in runs(class_rows)])
    table("LowerDifference", "kLowerDifferences", [f"0x{c:04X}, 0x{v:04X}" for c, v in lower_rows])
    table("StandIn", "kStandIns", [f"0x{a:04X}, 0x{b:04X}, 0x{v:04X}" for a, b, v in stand_ins(peer, icu)])
    scripts = [f"0x{a:04X}, 0x{b:04X}, {v}" for a, b, v in script_rows(icu)]
    table("ScriptDifference", "kScriptDifferences", scripts)
    print("// clang-format on")
    print(f"{len(flag_rows)} ranges of flags, {len(runs(class_rows))} of classes, {len(lower_rows)} lower cases",
          file=sys.stderr)


if __name__ == "__main__":
    main()
