"""Documents of a bundle change, and the model does not."""

from pathlib import Path

from melanoma.model.bundle import load_bundle
from melanoma.model.bundle_edit import BundleEdit, write_edited


def test_a_changed_card_and_metrics_keep_the_model(bundle_uri: str, tmp_path: Path) -> None:
    bundle = load_bundle(bundle_uri)
    written = write_edited(bundle, str(tmp_path / "copy"), BundleEdit({"card.md": b"# new\n"}, {"external": []}))
    assert (written.model_id, written.files["card.md"]) == (bundle.model_id, b"# new\n")
    assert written.description["metrics"] == {"external": []}
    assert written.files["model.keras"] == bundle.files["model.keras"]
    assert load_bundle(bundle_uri).digest == bundle.digest
