"""Options that Beam's job servers for Flink and Spark know and Beam's Python side does not.

As the job servers of Beam 2.62 describe them (`DescribePipelineOptions`), without those of Google's cloud. A job server
that runs already is asked for its own list; one that is only started with the run is not there to be asked.
"""

from typing import Literal

from apache_beam.options.pipeline_options import PipelineOptions

Kind = Literal["number", "switch", "text"]

_FLINK: dict[Kind, str] = {
    "number": """
        auto_watermark_interval checkpoint_timeout_millis checkpointing_interval execution_retry_delay
        file_input_split_max_size_m_b job_check_interval_in_secs latency_tracking_interval max_bundle_size
        max_bundle_time_mills min_pause_between_checkpoints num_concurrent_checkpoints number_of_execution_retries
        shutdown_sources_after_idle_ms""",
    "switch": """
        allow_non_restored_state attached_mode auto_balance_write_files_sharding_enabled disable_metrics
        enable_stable_input_drain externalized_checkpoints_enabled fail_on_checkpointing_errors faster_copy
        finish_bundle_before_checkpointing force_unaligned_checkpoint_enabled object_reuse operator_chaining
        re_iterable_group_by_key_result retain_externalized_checkpoints_on_cancellation unaligned_checkpoint_enabled
        use_data_stream_for_batch""",
    "text": """
        checkpointing_mode execution_mode_for_batch flink_conf_dir report_checkpoint_duration savepoint_path
        state_backend state_backend_factory state_backend_storage_path""",
}
_SPARK: dict[Kind, str] = {
    "number": """
        batch_interval_millis bundle_size checkpoint_duration_millis max_records_per_batch min_read_time_millis
        read_time_percentage streaming_timeout_ms""",
    "switch": "cache_disabled enable_spark_metric_sinks test_mode use_active_spark_session uses_provided_spark_context",
    "text": "checkpoint_dir spark_master storage_level",
}
_EVERY: dict[Kind, str] = {
    "number": """
        environment_expiration_millis g_c_thrashing_percentage_per_period grouping_table_max_size_mb
        max_cache_memory_usage_percent options_id""",
    "switch": "enable_heap_dumps load_balance_bundles log_mdc retain_docker_containers",
    "text": """
        app_name bundle_processor_cache_timeout default_environment_config default_environment_type files_to_stage
        jdk_add_open_modules max_cache_memory_usage_mb_class semi_persist_dir stable_unique_names
        transform_service_address transform_service_beam_version transforms_to_override""",
}
_OF_RUNNER = {
    "FlinkRunner": (_FLINK, _EVERY),
    "SparkRunner": (_SPARK, _EVERY),
    "PortableRunner": (_FLINK, _SPARK, _EVERY),
}


def said(options: PipelineOptions, name: str) -> str | None:
    """Returns the value of an option that only a job server knows; None if there is none.

    Args:
        options: Options for Beam.
        name: Name of the option.
    """
    values = options.get_all_options(retain_unknown_options=True)
    return None if values.get(name) is None else str(values[name])


def known_to(runner: str) -> dict[str, Kind]:
    """Returns the options that the job server of a runner knows, and what each takes; none for other runners.

    Args:
        runner: Name of the runner, without its module.
    """
    return {
        name: kind for table in _OF_RUNNER.get(runner, ()) for kind, names in table.items() for name in names.split()
    }
