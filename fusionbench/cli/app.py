"""The application with all verbs. Importing it loads neither torch nor Lightning."""

from __future__ import annotations

import typer

from fusionbench import __version__
from fusionbench.cli.large_imports import frozen_imports
from fusionbench.cli.outcome import forbid_device_backends, forbid_network, replace_closed_output
from fusionbench.cli.verbs import Verbs

app = typer.Typer(
    name="fusionbench",
    cls=Verbs,
    help="Run, train, score and compare image-fusion methods on infrared-visible, medical and SAR-optical pairs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(show: bool) -> None:
    if show:
        print(f"fusionbench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
    offline: bool = typer.Option(
        False, "--offline", envvar="FUSIONBENCH_OFFLINE", help="Forbid any network use."
    ),
) -> None:
    if offline:
        forbid_network()


def main() -> None:
    """Run the application; the entry point of ``fusionbench``."""
    replace_closed_output()
    forbid_device_backends()
    with frozen_imports():
        app()
