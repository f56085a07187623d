"""Options for Beam, parsed strictly: Beam itself ignores unknown words, and ends the process at wrong values."""

import argparse
import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, WorkerOptions
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator

from jobs.nightly import cluster_defaults, job_server_options
from jobs.nightly.job_servers import options_of
from jobs.nightly.runners import runner_named
from melanoma.errors import UsageError

# Beam's own stores would read these; they would stand in the pipeline's options, which a cluster shows to everybody.
_SECRETS = ("--s3_access_key_id", "--s3_secret_access_key", "--s3_session_token", "--azure_connection_string")
_TRUE, _FALSE = ("true",), ("false",)


class _Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Refuses a word.

        Raises:
            UsageError: Always.
        """
        raise UsageError(f"options for Beam: {message}")


def parse_beam_options(words: Sequence[str]) -> PipelineOptions:
    """Parses the words after `--`, and adds what a cluster needs and the words do not say.

    Raises:
        UsageError: Beam has no such option, no such runner, or cannot work with them.
        NothingCommittedError: A job server does not answer.
    """
    _refuse_secrets(words)
    meant = runner_named(_runner_in(words))
    runner = type(meant).__name__
    plain = _plain(words, runner)
    _check(plain, runner)
    options = PipelineOptions(plain)
    added = cluster_defaults.words_for(options, runner, plain)
    if added:
        options = PipelineOptions([*plain, *added])
    workers = options.view_as(WorkerOptions)
    workers.default_sdk_harness_log_level = workers.default_sdk_harness_log_level or "WARNING"
    # The whole check of a cloud's runner would ask the cloud, and might create a bucket there.
    cloud = PipelineOptionsValidator(options, meant)
    faults = PipelineOptionsValidator(options, None).validate()
    if cloud.is_service_runner():
        faults += cloud.validate_cloud_options(options.view_as(GoogleCloudOptions))
    if faults:
        raise UsageError(f"options for Beam: {'; '.join(str(fault).rstrip('.') for fault in faults)}")
    return options


def _runner_in(words: Sequence[str]) -> str | None:
    parser = _Parser("melanoma score … --", add_help=False, allow_abbrev=False)
    parser.add_argument("--runner")
    name: str | None = parser.parse_known_args(list(words))[0].runner
    return name


def _refuse_secrets(words: Iterable[str]) -> None:
    for word in words:
        if (name := word.split("=")[0]) in _SECRETS:
            raise UsageError(
                f"{name}: a secret does not go into a pipeline, whose options every worker and many web pages show; "
                "set it in the environment of this command and of the workers"
            )


def _plain(words: Sequence[str], runner: str) -> list[str]:
    """Returns the words with switches of a job server as Beam takes them: `--x=true` as `--x`, without `--x=false`."""
    switches = {f"--{name}" for name, kind in job_server_options.known_to(runner).items() if kind == "switch"}
    plain = list[str]()
    for word in words:
        name, _, value = word.partition("=")
        if name in switches and value.lower() in (*_TRUE, *_FALSE):
            plain += [name] if value.lower() in _TRUE else []
        else:
            plain.append(word)
    return plain


def _check(words: Sequence[str], runner: str) -> None:
    """Refuses words that neither Beam nor the runner knows, and values of another type.

    Raises:
        UsageError: There is such a word.
        NothingCommittedError: The job server, which may know more, does not answer.
    """
    parser = _Parser("melanoma score … --", add_help=False, allow_abbrev=False, conflict_handler="resolve")
    for name, kind in job_server_options.known_to(runner).items():
        _add(parser, name, kind)
    for group in PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    parsed, unknown = parser.parse_known_args(list(words))
    if unknown and parsed.job_endpoint not in (None, "embed"):
        for name, kind in options_of(parsed.job_endpoint).items():
            if f"--{name}" not in parser._option_string_actions:
                _add(parser, name, kind)
        parsed, unknown = parser.parse_known_args(list(words))
    if unknown:
        near = _near(unknown, parser._option_string_actions)
        raise UsageError(f"Beam has no option {' '.join(unknown)}; flags of melanoma go before the --{near}")
    _check_setup(parsed.setup_file)


def _add(parser: argparse.ArgumentParser, name: str, kind: job_server_options.Kind) -> None:
    if kind == "switch":
        parser.add_argument(f"--{name}", action="store_true")
    else:
        parser.add_argument(f"--{name}", type=float if kind == "number" else str)


def _near(unknown: Iterable[str], known: Iterable[str]) -> str:
    names = list(known)
    close = [
        near for word in unknown for near in difflib.get_close_matches(word.split("=")[0], names, n=1, cutoff=0.75)
    ]
    return f"; did you mean {', '.join(dict.fromkeys(close))}?" if close else ""


def _check_setup(setup_file: str | None) -> None:
    if setup_file and not Path(setup_file).is_absolute():
        raise UsageError(
            f'--setup_file={setup_file} must be absolute, since Beam changes the working folder; write "$PWD/setup.py"'
        )
