"""The README's generated tables: ``python -m tests.readme`` writes them, a test compares them."""

from __future__ import annotations

from pathlib import Path

from hyperaudio.errors import exit_codes
from hyperaudio.models.catalogue import CATALOGUE

README = Path(__file__).resolve().parents[1] / "README.md"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows])


def parts() -> dict[str, str]:
    """Text by mark."""
    models = [
        [m.name, m.task, f"{m.size / 1e6:.0f} MB", m.licence, m.summary, m.restricts] for m in CATALOGUE if m.starter
    ]
    return {
        "exit codes": table(["code", "meaning"], [[str(code), meaning] for code, meaning in exit_codes()]),
        "models": table(["model", "task", "size", "licence", "what it is", "restrictions"], models),
    }


def marks(name: str) -> tuple[str, str]:
    """The comments around a generated part."""
    return f"<!-- {name} -->\n", f"\n<!-- /{name} -->"


def put(text: str, name: str, content: str) -> str:
    """A text with one of its generated parts made anew."""
    begin, end = marks(name)
    before, rest = text.split(begin)
    return before + begin + content + end + rest.split(end, 1)[1]


def main() -> None:
    """Write the README's tables."""
    text = README.read_text()
    for name, content in parts().items():
        text = put(text, name, content)
    README.write_text(text)


if __name__ == "__main__":
    main()
