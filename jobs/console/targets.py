"""Checks where a command is going to write, before it begins to work."""


def check_folders(*folders: str | None) -> None:
    """Checks folders for results; None stands for a flag that was not given.

    Raises:
        UsageError: Something is there that is no folder, such as a file, a device or a pipe.
    """
    from melanoma import storage

    for folder in folders:
        if folder is not None:
            storage.folder_target(folder)


def check_file(file: str | None) -> None:
    """Checks a file for results; None stands for a flag that was not given.

    Raises:
        UsageError: Something is there that is no file, such as a folder, a device or a pipe.
    """
    from melanoma import storage

    if file is not None:
        storage.file_target(file)
