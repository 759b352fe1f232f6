"""Secrets in a stream."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from provisioning.forge.embedded.runner.masking import Masker

SECRETS = ["hunter2-hunter2", "hunter2-hunter2-longer", "aab"]


def _masked(data: bytes, cuts: list[int]) -> bytes:
    masker = Masker(SECRETS)
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    parts = [masker.feed(data[start:end]) for start, end in pairwise(edges)]
    return b"".join([*parts, masker.flush()])


@given(
    st.lists(
        st.sampled_from(["hunter2-hunter2", "hunter2-", "-longer", "a", "aa", "b", "hunter2-hunter2-longer", " ", "x"])
    ),
    st.lists(st.integers(min_value=0, max_value=400)),
)
def test_however_the_stream_is_cut_the_result_is_the_same_and_holds_no_secret(
    words: list[str], cuts: list[int]
) -> None:
    data = "".join(words).encode()
    whole = Masker(SECRETS).whole(data)
    assert _masked(data, cuts) == whole
    assert all(secret.encode() not in whole for secret in SECRETS)


def test_what_cannot_become_a_secret_is_shown_at_once() -> None:
    masker = Masker(SECRETS)
    assert masker.feed(b"plain text\n") == b"plain text\n"
    assert masker.feed(b"hunter2-") == b""
    assert masker.feed(b"x") == b"hunter2-x"
