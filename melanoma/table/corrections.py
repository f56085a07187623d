"""Values that a manifest has corrected since a photograph was scored: one small file beside the score table.

The rows of the table stay as they were committed. Whoever shows them puts the corrected values in their place.
"""

import io
from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.table.layout import OutputLayout

NAME, CORRECTED = "image_uri", "corrected"
SCHEMA = pa.schema([(NAME, pa.string()), (CORRECTED, pa.list_(pa.string()))])


class Corrections:
    """The corrected values of photographs.

    Attributes:
        rows: One row a photograph: `image_uri`; `corrected`, the names of its corrected columns; and a column for
            every column that is corrected anywhere.
    """

    def __init__(self, rows: pa.Table) -> None:
        """Takes the rows."""
        self.rows = rows

    @classmethod
    def read(cls, layout: OutputLayout) -> "Corrections":
        """Reads the corrections of a score table; without any, there are no rows.

        Raises:
            UsageError: The file is damaged.
            ReadError: The store does not answer.
        """
        if not storage.exists(layout.corrections):
            return cls(SCHEMA.empty_table())
        data = storage.read_bytes(layout.corrections)
        try:
            rows = pa.parquet.ParquetFile(io.BytesIO(data), page_checksum_verification=True).read()
            rows.validate(full=True)
            return cls(rows.select([NAME, CORRECTED, *rows.schema.names[2:]]))
        except (pa.ArrowException, OSError, KeyError, ValueError):
            raise UsageError(
                f"{layout.corrections}: is damaged; restore it from a backup, or delete it: the next run with the "
                "manifest writes it again"
            ) from None

    def write(self, layout: OutputLayout) -> None:
        """Replaces the corrections of a score table in one step.

        Raises:
            NothingCommittedError: The store or the disk refused.
        """
        sink = io.BytesIO()
        pa.parquet.write_table(self.rows, sink, compression="zstd", write_page_checksum=True)
        storage.write_bytes(layout.corrections, sink.getvalue())

    @property
    def columns(self) -> list[str]:
        """Names of the columns that are corrected anywhere."""
        return list(self.rows.schema.names[len(SCHEMA) :])

    def applied_to(self, rows: pa.Table) -> pa.Table:
        """Returns rows of the score table with the corrected values.

        Args:
            rows: With the column `image_uri`, and any others.
        """
        places = pc.index_in(rows[NAME], self.rows[NAME].combine_chunks())
        for column in self.columns:
            if column in rows.schema.names:
                is_corrected = pa.array([column in names for names in self.rows[CORRECTED].to_pylist()], pa.bool_())
                values = pc.take(self.rows[column], places).cast(rows.schema.field(column).type)
                chosen = pc.if_else(pc.fill_null(pc.take(is_corrected, places), False), values, rows[column])
                rows = rows.set_column(rows.schema.get_field_index(column), column, chosen)
        return rows

    def uris_with(self, column: str, value: str) -> list[str]:
        """Returns the photographs whose corrected value in a column of text is this one."""
        if column not in self.columns:
            return []
        found = self.rows.filter(pc.equal(self.rows[column], value))
        pairs = zip(found[NAME].to_pylist(), found[CORRECTED].to_pylist(), strict=True)
        return [str(uri) for uri, names in pairs if column in names]


def forget(layout: OutputLayout, uris: Collection[str]) -> None:
    """Removes photographs from the corrections of a score table.

    Raises:
        UsageError: The file is damaged.
        ReadError: The store does not answer.
        NothingCommittedError: The store or the disk refused.
    """
    known = Corrections.read(layout)
    kept = known.rows.filter(pc.invert(pc.is_in(known.rows[NAME], pa.array(sorted(uris), pa.string()))))
    if kept.num_rows < known.rows.num_rows:
        Corrections(kept).write(layout)
