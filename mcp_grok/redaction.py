"""The removal of what must not be passed on from text of an upstream: keys of any kind, and control characters."""

import json
import re
from collections.abc import Iterable
from typing import Any

REMOVED = "[removed]"

MAX_TEXT = 4000
"""Maximum characters that are read; far more than is shown."""

CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
"""Control characters, white space, and the marks that reorder or hide text in a terminal."""

KEYS = re.compile(
    r"""
      (?<![A-Za-z0-9]) (?: (?:sk|rk|pk|xai|csk|pplx|nvapi|glpat) - [\w*-]{8,}      # OpenAI, xAI, Cerebras, …
                         | (?:gsk|hf|r8|tgp|ghp|gho|ghs|github_pat) _ [\w*]{8,}     # Groq, Hugging Face, GitHub, …
                         | AIza [\w*-]{16,} | ya29\. [\w-]{8,} | AKIA [A-Z0-9]{12,}    # Google, Amazon
                         | eyJ [\w-]{6,} \. [\w-]{2,} (?:\.[\w-]*)? )                  # a JSON Web Token
    | (?<= ://) [^\s/@]{1,200} (?= @ )                                                 # a password in an address
    | (?<![A-Za-z]) (?P<label> (?i: bearer | basic ) \s{1,3} )
      (?! [A-Za-z]? [a-z]{0,15} (?! [\w~+/=*-] | \.\w ) ) [\w~+/=*.-]{5,} [\w~+/=*-]
    | (?<![A-Za-z]) (?P<before> (?i: key | token | secret | password | authorization | credentials? )
                       (?: \W{1,4} (?i: is | was | provided | given | value | sent | received ) ){0,2} \W{1,4} )
      (?= [\w~+/=*.-]{0,200} \d ) (?= [\w~+/=*.-]{0,200} [A-Za-z] ) [\w~+/=*.-]{11,} [\w~+/=*-]
    """,
    re.VERBOSE | re.ASCII,
)
"""Keys by their form, and long words with digits directly after a word like "key"."""


def without_controls(text: str) -> str:
    """The text on one line, with one space for each run of white space and control characters."""
    return CONTROLS.sub(" ", text).strip()


def without_keys(text: str) -> str:
    """The beginning of the text, without anything that looks like a key."""
    return replace_keys(text[:MAX_TEXT], REMOVED)


def replace_keys(text: str, replacement: str) -> str:
    """The text with everything that looks like a key replaced."""
    return KEYS.sub(lambda found: (found["label"] or found["before"] or "") + replacement, text)


def without_secrets(value: Any, secrets: Iterable[str]) -> Any:
    """A JSON value with these secrets removed from all of its texts."""
    text = json.dumps(value, ensure_ascii=False)
    clean = text
    for secret in secrets:
        clean = clean.replace(json.dumps(secret, ensure_ascii=False)[1:-1], REMOVED)
    return value if clean is text else json.loads(clean)
