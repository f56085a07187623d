"""The closed list of error kinds, and what a run does about each of them."""

import pickle

import pytest

from melanoma import errors
from melanoma.errors import MAY_HEAL, ErrorKind, ImageError, MelanomaError, PhotographError, ReadError

TRANSIENT = {"timeout", "store_unavailable"}
STORE = TRANSIENT | {"forbidden"}
HEALING = STORE | {"missing", "changed", "archived", "out_of_memory"}


@pytest.mark.parametrize("kind", ErrorKind)
def test_each_kind_knows_its_remedy(kind: ErrorKind) -> None:
    assert kind.is_transient == (kind in TRANSIENT)
    assert kind.is_store_failure == (kind in STORE)
    assert kind.may_heal == (kind in HEALING) == (kind in MAY_HEAL)


def test_the_kinds_are_those_of_the_table() -> None:
    assert [kind.value for kind in ErrorKind] == [
        *("empty", "unsupported_format", "truncated", "corrupt", "animated", "too_large", "too_many_pixels"),
        *(
            "bad_dimensions",
            "too_many_scans",
            "decoder_crash",
            "decoder_timeout",
            "out_of_memory",
            "bad_name",
            "missing",
            "changed",
            "forbidden",
            "timeout",
        ),
        *("store_unavailable", "archived", "bad_output"),
    ]


@pytest.mark.parametrize("kind_of_error", [PhotographError, ImageError, ReadError])
def test_an_error_of_a_photograph_travels_between_processes(kind_of_error: type[PhotographError]) -> None:
    error = pickle.loads(pickle.dumps(kind_of_error(ErrorKind.CORRUPT, "a checksum is wrong")))
    assert type(error) is kind_of_error
    assert (error.kind, error.detail) == (ErrorKind.CORRUPT, "a checksum is wrong")
    assert str(error) == "corrupt: a checksum is wrong"


def test_a_photographs_error_never_ends_a_command_and_every_other_one_does() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    of_photographs = {found for found in classes if issubclass(found, PhotographError)}
    of_commands = {found for found in classes if issubclass(found, MelanomaError)}
    assert of_photographs == {PhotographError, ImageError, ReadError}
    assert of_photographs | of_commands == set(classes) and not of_photographs & of_commands
