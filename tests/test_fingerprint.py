from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hyperaudio.fingerprint import build, explain, fingerprint

names = st.text("abcdefgh_", min_size=1, max_size=6)
values = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8), st.none())
settings = st.dictionaries(names, values, max_size=5)


def recipe(chosen: dict, inputs: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    return build("transcribe", 1, chosen, {"transcribe": {"name": "x", "revision": 1}}, inputs or {}, {})


@given(settings)
def test_order_of_keys_does_not_matter(chosen: dict) -> None:
    backwards = dict(reversed(list(chosen.items())))
    assert fingerprint(recipe(chosen)) == fingerprint(recipe(backwards))
    assert explain(recipe(chosen), recipe(backwards)) == []


@given(settings, settings)
def test_a_difference_shows_in_both_or_in_neither(first: dict, second: dict) -> None:
    a, b = recipe(first), recipe(second)
    if explain(a, b):
        assert fingerprint(a) != fingerprint(b)
    if fingerprint(a) == fingerprint(b):
        assert explain(a, b) == []


def test_differences_are_told_in_words() -> None:
    old = recipe({"beam_size": 5, "language": None}, {"separate/speech.wav": "aa"})
    new = recipe({"beam_size": 3, "language": "en"}, {"separate/speech.wav": "bb"})
    assert explain(old, new) == ["separate/speech.wav changed", "beam_size 5 -> 3", "language none -> en"]
