"""The command line: one function per verb, in modules by what they are for.

    run          once, collect, compose, deliver, run, migrate      check     check
    subscribers  subscribers ..., inbox                             status    status
    explain      explain, why, who                                  preview   preview
    init         init, demo                                         read      read
    backup       backup, copy-to                                    backtest  backtest
    web          web, admin-link                                    suggest   suggest
    doctor       doctor                                             taste     taste

`wiring` makes the parts of the program from the configuration, `console` is how all of them speak, `report` what a run
has to say.
"""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import (
    backtest,
    backup,
    check,
    doctor,
    explain,
    init,
    preview,
    read,
    run,
    status,
    subscribers,
    suggest,
    taste,
    web,
)
from bot.cli.console import complain, set_up_logging
from bot.cli.wiring import State
from bot.errors import UserError

# The global options, and whether a value follows.
ANYWHERE = {"--config": True, "--verbose": False, "--quiet": False, "-c": True, "-v": False, "-q": False}

app = typer.Typer(
    name="paperlark",
    help="The research papers that trend, and the ones you care about, in your inbox.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path,
        typer.Option("--config", "-c", envvar="PAPERLARK_CONFIG", help="The configuration file.", show_default=True),
    ] = Path("config.toml"),
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more: every request, every message.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but what went wrong.")] = False,
) -> None:
    set_up_logging(verbose=verbose, quiet=quiet)
    context.obj = State(config_path=config, verbose=verbose, quiet=quiet)


for module in (
    run,
    check,
    status,
    preview,
    read,
    backtest,
    suggest,
    taste,
    explain,
    subscribers,
    init,
    doctor,
    backup,
    web,
):
    module.register(app)


def main() -> None:
    """Run the command line. Exit: 0 fine; 1 done, but a source or a delivery failed; 2 the user must act."""
    try:
        app(args=_global_options_first(sys.argv[1:]), standalone_mode=True)
    except UserError as error:
        complain(error)
        sys.exit(2)
    except OSError as error:  # a folder that may not be written to, a port that is taken
        if isinstance(error, BrokenPipeError):  # `paperlark status | head`
            sys.stderr.close()
            sys.exit(0)
        complain(UserError(f"{error.filename or 'The system'}: {error.strerror or error}."))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        logging.shutdown()


def _global_options_first(arguments: list[str]) -> list[str]:
    """`paperlark once --config x` is as good as `paperlark --config x once`."""
    first: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":  # whatever follows is no option
            return [*first, *rest, argument, *waiting]
        name = argument.partition("=")[0] if argument.startswith("--") else argument  # only a long one takes "=value"
        if name in ANYWHERE:
            first.append(argument)
            if ANYWHERE[name] and argument == name:
                first.append(next(waiting, ""))
        else:
            rest.append(argument)
    return [*first, *rest]
