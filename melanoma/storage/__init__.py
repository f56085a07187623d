"""File storage in any store: URIs, listing, and reading and writing of whole files."""

from melanoma.storage.archive_spans import Span
from melanoma.storage.bounded import read_small
from melanoma.storage.deadlines import (
    DEFAULT_SECONDS,
    clock_time,
    hurried,
    hurry,
    no_later_than,
    set_object_timeout,
)
from melanoma.storage.delta_options import delta_location
from melanoma.storage.file_info import StoredFile
from melanoma.storage.files import (
    create_bytes,
    erase,
    exists,
    protect_folder,
    put_file,
    read_bytes,
    remove,
    size_of,
    store_bytes,
    write_bytes,
)
from melanoma.storage.filesystems import canonical, local_path
from melanoma.storage.listing import below, list_files, stat, subfolders
from melanoma.storage.probes import check_committable, check_writable
from melanoma.storage.protocols import (
    ALIASES,
    CONNECTIONS,
    Spelling,
    has_spellings,
    plain,
    refuse_key,
    spelling_of,
    spellings,
)
from melanoma.storage.targets import STDOUT, file_target, folder_target
from melanoma.storage.uris import archive_of, join, member_parts, name_of, stem_of

__all__ = [
    "ALIASES",
    "CONNECTIONS",
    "DEFAULT_SECONDS",
    "STDOUT",
    "Span",
    "Spelling",
    "StoredFile",
    "archive_of",
    "below",
    "canonical",
    "check_committable",
    "check_writable",
    "clock_time",
    "create_bytes",
    "delta_location",
    "erase",
    "exists",
    "file_target",
    "folder_target",
    "has_spellings",
    "hurried",
    "hurry",
    "join",
    "list_files",
    "local_path",
    "member_parts",
    "name_of",
    "no_later_than",
    "plain",
    "protect_folder",
    "put_file",
    "read_bytes",
    "read_small",
    "refuse_key",
    "remove",
    "set_object_timeout",
    "size_of",
    "spelling_of",
    "spellings",
    "stat",
    "stem_of",
    "store_bytes",
    "subfolders",
    "write_bytes",
]
