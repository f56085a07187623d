"""File storage in any store: URIs, listing, and reading and writing of whole files."""

from melanoma.storage.bounded import read_small
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
    write_bytes,
)
from melanoma.storage.filesystems import canonical, delta_location, local_path
from melanoma.storage.listing import below, list_files, stat, subfolders
from melanoma.storage.probes import check_committable, check_writable
from melanoma.storage.targets import STDOUT, file_target, folder_target
from melanoma.storage.uris import join, member_parts, name_of, stem_of

__all__ = [
    "STDOUT",
    "StoredFile",
    "below",
    "canonical",
    "check_committable",
    "check_writable",
    "create_bytes",
    "delta_location",
    "erase",
    "exists",
    "file_target",
    "folder_target",
    "join",
    "list_files",
    "local_path",
    "member_parts",
    "name_of",
    "protect_folder",
    "put_file",
    "read_bytes",
    "read_small",
    "remove",
    "size_of",
    "stat",
    "stem_of",
    "subfolders",
    "write_bytes",
]
