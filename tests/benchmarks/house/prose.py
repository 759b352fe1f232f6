"""Counts hard sentences: sentences with a clause as subject or object, and conditions that begin with "where".

Plain English says "A user who lost access gets 404" and not "Who may not see it any more gets 404"; "If no engine
answers" and not "Where none answers". The counter is a smell and no judge; questions are not counted.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

_SENTENCE = re.compile(r"[^.!?;:]+[.!?;:]?")
_BEFORE_WHO = "for|of|to|from|by|with|than|as|and|or|but|that|before|after"
_BEFORE_WHAT = "of|for|from|with|than|by|beside|over|about|into|on|in"
_SUBJECT = "is|was|has|had|they|it|he|she|one|a|the|no|nobody|somebody"
_HARD = [
    re.compile(r"^\s*(?:who|whoever|whose)\s+(?!am\b|are you)\w+", re.IGNORECASE),
    re.compile(r"^\s*what\s+(?!if\b|about\b)\w+", re.IGNORECASE),
    re.compile(r"^\s*where\s+\w+", re.IGNORECASE),
    re.compile(rf"\b(?:{_BEFORE_WHO})\s+who(?:ever)?\s+\w+", re.IGNORECASE),
    re.compile(rf"\b(?:{_BEFORE_WHAT})\s+what\s+(?:{_SUBJECT})\b", re.IGNORECASE),
    re.compile(r",\s+where\s+(?:that|it|there|this|no|none|nothing|one|they)\b", re.IGNORECASE),
    re.compile(r"\b(?:is|are|was|were)\s+(?:asked for|looked at|told of|not to be had)\b", re.IGNORECASE),
    re.compile(r"\b(?:nobody's|somebody's|no more (?:than|of)|not any more|it is that|is no \w+ of)\b", re.IGNORECASE),
]
_CODE = re.compile(r"```.*?```|`[^`]*`|https?://\S+|<[^>]*>|\{[{%].*?[%}]\}", re.DOTALL)
_NOT_PROSE = ("#!", "# noqa", "# type", "# pragma", "# fmt")


def hard_and_words(paths: Iterable[Path]) -> tuple[int, int]:
    """Hard sentences and words of comments, docstrings and test names of Python files, and of Markdown."""
    hard = words = 0
    for path in paths:
        for text in _texts(path):
            plain = _CODE.sub(" x ", text)
            words += len(plain.split())
            sentences = [match.group() for match in _SENTENCE.finditer(plain)]
            hard += sum(
                not sentence.endswith("?") and any(pattern.search(sentence) for pattern in _HARD)
                for sentence in sentences
            )
    return hard, words


def _texts(path: Path) -> Iterator[str]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield from re.split(r"\n\s*\n|\n\s*[-|#]", source)
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name.removeprefix("test_").replace("_", " ")
    yield from _comments(source)


def _comments(source: str) -> Iterator[str]:
    """Comments on lines that follow each other are one text."""
    block: list[str] = []
    last = -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or token.string.startswith(_NOT_PROSE):
            continue
        if token.start[0] != last + 1:
            yield " ".join(block)
            block = []
        block.append(token.string.lstrip("# "))
        last = token.start[0]
    yield " ".join(block)
