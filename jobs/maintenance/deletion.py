"""`melanoma table delete`: deletes the rows of a model, or those of old runs."""

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.console.wording import counted
from jobs.maintenance.action import TableAction
from melanoma.errors import UsageError

if TYPE_CHECKING:
    from melanoma.table.deletion import OldRows
    from melanoma.table.models import ModelFacts


@dataclass(frozen=True)
class Delete(TableAction):
    """`table delete`.

    Attributes:
        model: Name or id of the only model whose rows are deleted; None for all, which needs `older_than`.
        older_than: Age of the oldest runs whose rows stay; None for no limit, which needs `model`.
        yes: Whether to delete; otherwise the rows are only counted.
    """

    model: str | None
    older_than: datetime.timedelta | None
    yes: bool

    def run(self) -> None:
        """Deletes the rows, or counts them."""
        from melanoma.runs.model_names import model_called

        if self.model is None and self.older_than is None:
            raise UsageError("nothing to delete; give --model, --older-than, or both")
        model = None if self.model is None else model_called(self._open(), self.model)
        if self.older_than is not None:
            self._delete_old(datetime.date.today() - self.older_than, model)
        elif model is not None:
            self._delete_model(model)

    def _delete_model(self, model: "ModelFacts") -> None:
        if not self.yes:
            print(f"{counted(model.rows, 'row')} of {model.shown} would be deleted; run again with --yes")
            return
        with self._without_runs() as table:
            print(f"{counted(table.delete_model(model.model_id), 'row')} of {model.shown} deleted")

    def _delete_old(self, before: datetime.date, model: "ModelFacts | None") -> None:
        model_id = None if model is None else model.model_id
        if self.yes:
            with self._without_runs() as table:
                old = table.delete_before(before, model_id)
        else:
            old = self._open().rows_before(before, model_id)
        print(_sentences(old, f" of {model.shown}" if model else "", self.yes))


def _sentences(old: "OldRows", of_model: str, is_deleted: bool) -> str:
    """Returns what was or would be deleted, and how to keep the next run from scoring the photographs again."""
    if not old.rows:
        return f"nothing to delete: there is no row{of_model} of a run before {old.before}"
    what = "deleted" if is_deleted else "would be deleted; run again with --yes"
    lines = [f"{counted(old.rows, 'row')}{of_model} of runs before {old.before} {what}"]
    if old.photographs:
        lines.append(
            f"{counted(old.photographs, 'photograph')} without a newer row: the next run scores them again if it "
            f"still lists them. To leave them out, give melanoma score --since {old.before} from now on: it skips "
            "photographs last modified before that date"
        )
    if is_deleted:
        lines.append("melanoma table vacuum deletes the replaced data files once they are old enough")
    return "\n".join(lines)
