"""A runner that Beam takes for Dataflow's, and so checks its options before anything is submitted."""

from apache_beam.runners.runner import PipelineRunner


class DataflowRunner(PipelineRunner):  # type: ignore[misc]
    """Runs nothing."""

    def get_default_gcp_region(self) -> None:
        """Has no region by default."""
