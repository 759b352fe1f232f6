"""Secrets in a stream."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.embedded_forge.runner.masking import MASK, MIN_PIECE, Masker

SECRETS = ["hunter2-hunter2", "hunter2-hunter2-longer", "aab", "unter2-hunter2-longer-still"]


def _masked(data: bytes, cuts: list[int], secrets: Sequence[str] = SECRETS) -> bytes:
    masker = Masker(secrets)
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


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text("ABC", min_size=4, max_size=40), min_size=1, max_size=5),
    st.lists(st.text("xyz\n", max_size=20), min_size=5, max_size=5),
    st.lists(st.integers(min_value=0, max_value=400)),
    st.integers(min_value=0, max_value=400),
)
def test_no_piece_of_a_secret_comes_out_however_the_stream_is_cut_and_wherever_it_ends(
    secrets: list[str], fillers: list[str], cuts: list[int], end: int
) -> None:
    data = "".join(filler + secret for filler, secret in zip(fillers, secrets, strict=False)).encode()
    data = data[: end % (len(data) + 1)]
    shown = _masked(data, cuts, secrets)
    for secret in secrets:
        content = secret.encode()
        for at in range(len(content) - MIN_PIECE + 1):
            assert content[at : at + MIN_PIECE] not in shown
    assert shown == Masker(secrets).whole(data)


def test_what_cannot_become_a_secret_is_shown_at_once() -> None:
    masker = Masker(SECRETS)
    assert masker.feed(b"plain text\n") == b"plain text\n"
    assert masker.feed(b"hunter2-") == b""
    assert masker.feed(b"x") == b"hunter2-x"


def test_a_stream_that_ends_within_a_secret_does_not_show_its_beginning() -> None:
    masker = Masker(SECRETS)
    assert masker.feed(b"it is hunter2-hun") == b"it is "
    assert masker.flush() == MASK
    assert masker.feed(b"hunter") == b""
    assert masker.flush() == b"hunter"


def test_secrets_that_overlap_leave_nothing_between_them() -> None:
    assert Masker(["aaaaaaaabbbbbbbb", "bbbbbbbbcccccccc"]).whole(b"x aaaaaaaabbbbbbbbcccccccc y") == b"x [MASKED] y"


def test_a_long_secret_does_not_make_the_stream_slow() -> None:
    """A chunk is searched a few times for each secret, not once for each length of its end."""
    secret = "".join(f"{number:x}." for number in range(60_000))
    masker = Masker([secret])
    data = (secret[:-1] + "!").encode() * 2 + secret.encode()
    shown = b"".join(masker.feed(data[at : at + 65_536]) for at in range(0, len(data), 65_536)) + masker.flush()
    assert shown == (secret[:-1] + "!").encode() * 2 + MASK
