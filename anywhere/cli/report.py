"""`anywhere report`: reports that other engines gathered, as one."""

from __future__ import annotations

import typer

from anywhere.cli.helping import Grouped, group
from anywhere.cli.hosts import QUIET, VERBOSE, how_much
from anywhere.report import FORMATS

app = group("Merge reports from several runs.")

LARGEST = 512 * 1024 * 1024  # bytes: some ten thousand hosts
EXAMPLES = """\b
Examples:
  anywhere report merge *.json --format html --output fleet.html
  ssh web1 anywhere check --region eu-west-1 --format json | anywhere report merge -
"""


@app.callback()
def report() -> None:
    """Join reports that other engines gathered."""


@app.command(cls=Grouped, short_help="Merge reports into one, and compare the hosts.", epilog=EXAMPLES)
def merge(
    files: list[str] = typer.Argument(
        ..., metavar="FILE...", help="Reports as JSON or JSON lines; - is standard input."
    ),
    format: str = typer.Option(
        "", help=f"{', '.join(FORMATS)}. Default: by the ending of --output, else table.", metavar="FORMAT"
    ),
    output: str = typer.Option("", help="Write the result to a file."),
    strict: bool = typer.Option(False, help="Exit 1 for warnings too."),
    verbose: bool = VERBOSE,
    quiet: bool = QUIET,
) -> int:
    """Merge reports into one, and compare the hosts: shared identities, hosts that differ from the rest.

    Where several reports are of one host, the newest counts. Exit codes are those of check.
    """
    from dataclasses import replace

    from anywhere.cli.output import format_for, show
    from anywhere.flows.clones import judge_fleet
    from anywhere.flows.reported.gathered import gathered
    from anywhere.report import renderer
    from anywhere.report.read import merged

    format = format_for(format, output)
    renderer(format)
    joined = merged(gathered(files, _text))
    joined = replace(joined, targets=judge_fleet(joined.targets))
    show(joined, format, output, how_much(verbose, quiet))
    return joined.exit_code(strict)


def _text(path: str) -> str:
    from anywhere.errors import BadInput
    from anywhere.files import NotText, read_file

    try:
        return read_file(path, LARGEST).decode("utf-8")
    except (UnicodeDecodeError, NotText) as error:
        raise BadInput(f"{path}: not text; check a saved bundle with `anywhere check {path}`") from error
