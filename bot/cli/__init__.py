"""The command line: one function per verb, in modules by what they are for (`VERBS`). The module of a verb is imported
when it is asked for: what the others need takes half of a short run's time.

`options` is what many verbs share, `wiring` makes the parts of the program from the configuration, `people` brings the
subscribers of the file and of the database together, `console` is how all of them speak, `report` what a run has to
say, `sync_words` what one would change. What a verb decides belongs to `bot.pipeline`.
"""

import gc
import logging
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.console import complain, set_up_logging
from bot.cli.options import GlobalOptions
from bot.errors import BrokenTemplate, UserError

# By module, in the order of --help.
VERBS = {
    "run": ("once", "compose", "deliver", "migrate"),
    "collect": ("collect",),
    "worker": ("run",),
    "check": ("check",),
    "status": ("status", "health"),
    "preview": ("preview",),
    "read": ("read",),
    "backtest": ("backtest",),
    "suggest": ("suggest",),
    "taste": ("taste",),
    "explain": ("explain", "why", "who"),
    "subscribers": ("subscribers", "inbox"),
    "init": ("init", "demo"),
    "doctor": ("doctor",),
    "backup": ("backup", "copy-to"),
    "web": ("web", "admin-link"),
}

_M_ARENA_MAX = -8  # <malloc.h>

# The global options, and whether a value follows.
ANYWHERE = {"--config": True, "--verbose": False, "--quiet": False, "-c": True, "-v": False, "-q": False}


def program(verb: str = "") -> typer.Typer:
    """The command line with the module of one verb; of all of them for what is no verb, such as --help."""
    app = typer.Typer(
        name="paperlark",
        help="The research papers that trend, and the ones you care about, in your inbox.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(options)
    for module in [module for module, verbs in VERBS.items() if verb in verbs] or VERBS:
        import_module(f"bot.cli.{module}").register(app)
    return app


def options(
    context: typer.Context,
    config: Annotated[
        Path,
        typer.Option(
            "--config",
            "-c",
            envvar="PAPERLARK_CONFIG",
            help="The configuration file.",
            show_default=True,
            readable=False,
        ),
    ] = Path("config.toml"),
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more: every request, every message.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but what went wrong.")] = False,
) -> None:
    set_up_logging(verbose=verbose, quiet=quiet)
    context.obj = GlobalOptions(config_path=config, verbose=verbose, quiet=quiet)


def main() -> None:
    """Run the command line. Exit: 0 fine; 1 done, but a source or a delivery failed; 2 the user must act."""
    try:
        first, rest = _global_options_first(sys.argv[1:])
        command_line = program(rest[0] if rest else "")
        _save_time_and_memory()
        command_line(args=[*first, *rest], standalone_mode=True)
    except UserError as error:
        complain(error)
        sys.exit(2)
    except BrokenTemplate as error:
        complain(UserError(f"{error}", ["mend this template; `paperlark check` tries all of them"]))
        sys.exit(2)
    except OSError as error:  # a folder that may not be written to, a port that is taken
        complain(UserError(f"{error.filename or 'The system'}: {error.strerror or error}."))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        logging.shutdown()
        gc.freeze()  # else Python looks through everything once more at its end: a fifth of a short run's time


def _save_time_and_memory() -> None:
    """What was imported lives on, and garbage collection never looks through it. What comes later is left to Python's
    own thresholds: rarer collections save no time that can be measured, and a collection of feeds holds 2 MB more.

    glibc gives each thread memory of its own that the others cannot use when it is freed: with 4 threads some 2 MB. Of
    what Python's threads do at the same time, nearly nothing allocates. (Other C libraries have no such setting.)
    """
    gc.freeze()
    gc.enable()
    with suppress(ImportError, OSError, AttributeError, TypeError):
        import ctypes

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _global_options_first(arguments: list[str]) -> tuple[list[str], list[str]]:
    """`paperlark once --config x` is as good as `paperlark --config x once`: the global options, and the others."""
    first: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":  # whatever follows is no option
            return first, [*rest, argument, *waiting]
        name = argument.partition("=")[0] if argument.startswith("--") else argument  # only a long one takes "=value"
        if name in ANYWHERE:
            first.append(argument)
            if ANYWHERE[name] and argument == name:
                first.append(next(waiting, ""))
        else:
            rest.append(argument)
    return first, rest
