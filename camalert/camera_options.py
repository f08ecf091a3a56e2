"""Words of a camera's options that would write a picture past us, unmasked. Pure.

Known by name, and by a beginning of it, which both programs' parsers (getopt, boost) take too. The
names are those of rpicam-apps (core/options.cpp, still_options.hpp, video_options.hpp) and of
fswebcam (fswebcam.c) with their short forms: what writes a file, runs a program, reads options
from a file, or makes the output another one.
"""

from collections.abc import Iterator, Sequence

RPICAM = frozenset(
    {
        *("output", "metadata", "save-pts", "segment", "split", "circular", "raw", "latest"),
        *("datetime", "timestamp", "config", "post-process-file", "post-process-libs"),
    }
)
RPICAM_SHORT = "ocr"

FSWEBCAM = frozenset(
    {
        *("save", "exec", "dumpframe", "pid", "log", "output", "config"),
        *("png", "webp", "loop", "background"),
    }
)
FSWEBCAM_SHORT = "cLolb"

FSWEBCAM_SWITCHES = (
    *("help", "quiet", "verbose", "version", "gmt", "read", "revert", "deinterlace", "invert"),
    *("greyscale", "no-banner", "top-banner", "bottom-banner", "no-shadow", "shadow", "no-title"),
    *("no-subtitle", "no-timestamp", "no-info", "no-underlay", "no-overlay", "list-inputs"),
    *("list-tuners", "list-formats", "list-framesizes", "list-framerates", "list-controls"),
)
"""Those that take no value. A word behind one of them is to fswebcam the name of a file."""

FSWEBCAM_SHORT_SWITCHES = "?qvR"


def writing(source: str, words: Sequence[str]) -> Iterator[int]:
    """The numbers of those `words`, options for the program of a camera of the kind `source`, that
    would write a picture somewhere."""
    if source == "rpicam":
        return (n for n, word in enumerate(words) if _is_of(word, RPICAM, RPICAM_SHORT))
    return _fswebcams(words) if source == "fswebcam" else iter(())


def unmasked(word: str) -> str:
    """What is wrong with an option that `writing` has found."""
    return f"{word!r:.80} would write pictures elsewhere, or others, without the privacy masks"


def _is_of(word: str, names: frozenset[str], short: str) -> bool:
    if word.startswith("--"):
        given = word[2:].partition("=")[0]
        return any(name.startswith(given) for name in names)
    return word.startswith("-") and word[1:2] in short


def _fswebcams(words: Sequence[str]) -> Iterator[int]:
    takes_value = False
    for n, word in enumerate(words):
        if takes_value:
            takes_value = False
        elif word == "-" or not word.startswith("-"):
            yield n  # the name of a file
        elif word.startswith("--"):
            if _is_of(word, FSWEBCAM, ""):
                yield n
            is_switch = any(name.startswith(word[2:]) for name in FSWEBCAM_SWITCHES)
            takes_value = "=" not in word and not is_switch
        else:
            rest = word[1:].lstrip(FSWEBCAM_SHORT_SWITCHES)
            if rest[:1] and rest[0] in FSWEBCAM_SHORT:
                yield n
            takes_value = len(rest) == 1 and rest != "b"
