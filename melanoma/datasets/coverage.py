"""How many labels have a photograph, and how many photographs a label: totals in words that add up."""

from dataclasses import dataclass

LARGE_SHARE = 0.2  # of labels or photographs left out: too many to be overlooked


@dataclass(frozen=True)
class Coverage:
    """Labels of tables and files below their roots.

    Attributes:
        used: Number of labels with a photograph.
        absent: Number of labels whose photograph is below no root.
        unlabelled: Number of table rows without a class.
        unlisted: Number of files below the roots that no table lists.
    """

    used: int = 0
    absent: int = 0
    unlabelled: int = 0
    unlisted: int = 0

    def sentence(self) -> str:
        """Returns where every row and every file went; empty if there is no table."""
        rows = self.used + self.absent + self.unlabelled
        if not rows:
            return ""
        return (
            f"{rows:,} rows of labels: {self.used:,} used, {self.absent:,} without a photograph below the roots, "
            f"{self.unlabelled:,} without a class; {self.unlisted:,} files below the roots without a label"
        )

    def warning(self) -> str:
        """Returns a sentence if a large share of the labels or of the files was left out, else an empty one."""
        rows, files = self.used + self.absent + self.unlabelled, self.used + self.unlisted
        left_out = []
        if rows and (self.absent + self.unlabelled) / rows >= LARGE_SHARE:
            left_out.append(f"{self.absent + self.unlabelled:,} of {rows:,} rows of labels")
        if rows and self.unlisted / files >= LARGE_SHARE:
            left_out.append(f"{self.unlisted:,} of {files:,} files")
        if not left_out:
            return ""
        return f"{' and '.join(left_out)} were left out, because a label had no photograph or a file no label."


NO_TABLES = Coverage()
