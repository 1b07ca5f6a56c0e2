from __future__ import annotations

from tests import readme


def test_the_readmes_tables_are_those_of_the_code() -> None:
    text = readme.README.read_text()
    for name, content in readme.parts().items():
        assert readme.put(text, name, content) == text, "run: python -m tests.readme"
