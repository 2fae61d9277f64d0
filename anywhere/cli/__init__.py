"""The command line: a table of verbs, each imported when it is called, and the one place where errors become lines."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from anywhere import __version__
from anywhere.cli.helping import USUAL, by_topic, plainly, refuse_empty, unknown_option
from anywhere.cli.say import note, say
from anywhere.errors import AnywhereError, did_you_mean
from anywhere.windows import IS_WINDOWS

VERBS = {
    "check": "Check hosts: every endpoint, and all that a host needs.",
    "endpoints": "List the names that the network must allow, in formats for firewalls.",
    "register": "Register a host with ECS Anywhere and wait until it is healthy.",
    "status": "Show the state of an instance on one screen: agents, connection, credentials, tasks, causes.",
    "watch": "Check and take the status again and again, and report each change.",
    "update": "Update both agents from verified packages; back again where the host is not healthy with them.",
    "move": "Move an instance to another cluster; back again where it is not healthy there.",
    "deregister": "Deregister an instance, and put the host back to what it was before.",
    "reset": "Remove the registration; prepare an image (--seal), or make a clone its own machine (--reclaim).",
    "activation": "Create, show, plan and delete activations (needs AWS keys).",
    "artifacts": "Fetch and verify the agents' packages for hosts without internet access.",
    "rules": "Plan, apply, verify or revert the network rules for task credentials.",
    "proxy": "Plan, apply, verify or revert one proxy and CA profile for all components.",
    "taskdef": "Check task definitions, fit them onto hosts, convert them for external instances.",
    "bundle": "Show or compare saved observations.",
    "report": "Merge reports from several runs.",
    "explain": "Explain a cause, a check or a topic, with its fix.",
}
# Verbs whose module has another place than its name says.
LIFE = ("status", "watch", "update", "move", "deregister", "reset", "activation")
PLACES = {name: f"life.{name}" for name in LIFE}
INTERRUPTED, HELP = 130, "help"
INSTALLED = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
# Typer carries a copy of click in some releases and needs click itself in others: its own exceptions tell which.
exceptions = import_module(typer.BadParameter.__module__)


class Verbs(TyperGroup):
    """Imports a verb's module when it is needed, so that each start pays for one verb only."""

    def list_commands(self, ctx: object) -> list[str]:
        """The verbs in the order of a first evening's work."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb's own command, or None where there is no such verb."""
        if cmd_name not in VERBS:
            return None
        command = typer.main.get_command(import_module(f"anywhere.cli.{PLACES.get(cmd_name, cmd_name)}").app)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Names the near misses of a mistyped verb."""
        if args[:1] == [HELP]:
            args = [*args[1:], "--help"] if args[1:] else ["--help"]
            if args == ["--help"]:
                typer.echo(ctx.get_help())
                raise typer.Exit
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], [*VERBS, HELP], "`anywhere help` lists the commands")
            raise exceptions.UsageError(f"there is no command {args[0]!r}: {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Runs the verb. Typer would end the process for Ctrl-C without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Abort from None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of verbs by topic, without importing them."""
        for topic, rows in by_topic(VERBS).items():
            with formatter.section(topic):
                formatter.write_dl(rows)


app = typer.Typer(
    cls=Verbs,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"anywhere {__version__}")
        raise typer.Exit


@app.callback()
def anywhere(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", "-V", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Take a server to a healthy Amazon ECS Anywhere instance and prove every step.

    `anywhere help COMMAND` explains a command, `anywhere explain CODE` a cause.
    """
    if context.invoked_subcommand is None:
        note(f"{context.command.help.splitlines()[0] if context.command.help else ''}\n\n{USUAL}")
        raise typer.Exit(2)


def main(argv: list[str] | None = None) -> NoReturn:
    """Run and exit. Expected errors are one line on stderr; a closed pipe, Ctrl-C and a signal to end do so quietly."""
    _open_streams()
    for name in ("SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):  # Windows has no SIGHUP
            signal.signal(number, lambda number, _: leave(128 + number))
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    leave(run(sys.argv[1:] if argv is None else argv))


def _open_streams() -> None:
    """A standard stream that the caller closed is not there at all: input is empty then, and what goes to an output is
    dropped."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        elif IS_WINDOWS and mode == "w":  # a pipe would get the code page of the system, which lacks most characters
            getattr(sys, name).reconfigure(encoding="utf-8", errors="replace")


def run(argv: list[str]) -> int:
    """The exit code of a command line."""
    try:
        refuse_empty(argv)
        result: object = typer.main.get_command(app).main(args=argv, prog_name="anywhere", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except (typer.Abort, KeyboardInterrupt):
        return _say("interrupted", INTERRUPTED)
    except exceptions.NoArgsIsHelpError as error:
        note(error.format_message())
        return 2
    except exceptions.NoSuchOption as error:
        return _say(unknown_option(error.option_name, error.possibilities or ()), 2)
    except exceptions.ClickException as error:
        return _say(plainly(error.format_message()), 2)
    except AnywhereError as error:
        return _say(str(error), error.exit_code)
    except BrokenPipeError:
        return 0
    except ImportError:
        raise
    except OSError as error:
        if isinstance(error, PermissionError) and str(error.filename).startswith(INSTALLED):
            raise
        said = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
        return _say(said, 2)
    except Exception as error:
        if os.environ.get("ANYWHERE_DEBUG"):
            note(traceback.format_exc())
        return _say(
            f"internal error: {type(error).__name__}: {error!s} (set ANYWHERE_DEBUG=1 for the traceback)",
            3,
        )


def _say(text: str, code: int) -> int:
    say(text)
    return code


def leave(code: int) -> NoReturn:
    """End the process at once: threads that still wait for a dead nameserver must not hold it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (BrokenPipeError, RuntimeError):
            pass  # nobody reads it, or a signal has come in the middle of writing it: what was written stands
        except (OSError, ValueError):
            # Said already where the writing itself failed.
            code = code if stream is sys.stderr or code == 2 else _say("cannot write the result", 2)
    for module, ending in (("hosts.processes", "end_all"), ("files", "drop_unfinished")):
        if loaded := sys.modules.get(f"anywhere.{module}"):
            getattr(loaded, ending)()
    os._exit(code)
