"""The folder of a Mend on one machine."""

from pathlib import Path

from local import home


def test_forgetting_leaves_only_the_model(tmp_path: Path) -> None:
    for name in ("model", "postgres", "valkey", "sandbox", "adapters", "runs", "unsaved", "log"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("said or taught")
    home.forget(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"model", "mend.lock"}
