import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.adapters import Seal
from serving.adapter_checks import CONFIG, WEIGHTS, check_folder, sha256_of
from serving.adapter_files import READY, RECORD, adapter_name, check_name, publish, quarantine, whole_folder
from serving.base import BaseModel
from serving.errors import AdapterLoadError
from serving.tensor_file import decode
from settings import ServingSettings
from tests.unit.serving.factories import make_base, make_settings, write_adapter_source


@pytest.fixture
def base(tmp_path: Path) -> BaseModel:
    return make_base(tmp_path / "base")


@pytest.fixture
def settings(tmp_path: Path) -> ServingSettings:
    return make_settings(tmp_path)


@pytest.fixture
def source(tmp_path: Path, base: BaseModel) -> Path:
    return write_adapter_source(tmp_path / "source", base)


def test_only_the_two_files_and_the_record_are_published(
    source: Path, settings: ServingSettings, base: BaseModel
) -> None:
    saved = publish(source, settings, base, "pip", 7)
    folder = settings.adapters_dir / saved.name
    assert saved.name == f"pip-v7-{saved.sha256[:8]}"
    assert {path.name for path in folder.iterdir()} == {CONFIG, WEIGHTS, RECORD, READY}
    assert (saved.version, saved.rank, saved.base_model, saved.base_fingerprint) == (7, 2, base.path, base.fingerprint)
    assert [path.name for path in settings.adapters_dir.iterdir()] == [saved.name]


def test_a_base_model_in_bfloat16_gets_adapters_in_bfloat16(tmp_path: Path, settings: ServingSettings) -> None:
    base = make_base(tmp_path / "base", bfloat16=True)
    source = write_adapter_source(tmp_path / "source", base, value=1 + 3 * 2**-9)
    saved = publish(source, settings, base, "pip", 7)
    folder = whole_folder(settings.adapters_dir, saved.name)
    assert saved.name == f"pip-v7-{saved.sha256[:8]}"
    assert saved.sha256 == sha256_of(folder / WEIGHTS) != sha256_of(source / WEIGHTS)
    found = decode((folder / WEIGHTS).read_bytes(), WEIGHTS)
    assert list(found) == list(decode((source / WEIGHTS).read_bytes(), WEIGHTS))
    assert {(kind, values[:2]) for kind, _, values in found.values()} == {("BF16", b"\x81\x3f")}  # 1 + 2**-7, nearest
    assert check_folder(folder, base, 8, settings.lora_target_modules).rank == 2
    assert publish(source, settings, base, "pip", 7) == saved


def test_other_base_models_get_the_file_as_it_was_trained(
    source: Path, settings: ServingSettings, base: BaseModel
) -> None:
    saved = publish(source, settings, base, "pip", 7)
    assert (settings.adapters_dir / saved.name / WEIGHTS).read_bytes() == (source / WEIGHTS).read_bytes()


def test_a_weight_that_no_bfloat16_can_hold_is_refused(tmp_path: Path, settings: ServingSettings) -> None:
    base = make_base(tmp_path / "base", bfloat16=True)
    source = write_adapter_source(tmp_path / "source", base, value=3.4e38)
    with pytest.raises(AdapterLoadError, match="too large for bfloat16"):
        publish(source, settings, base, "pip", 7)
    assert not settings.adapters_dir.exists()


def test_the_configuration_names_the_served_path(tmp_path: Path, settings: ServingSettings, base: BaseModel) -> None:
    shutil.copytree(tmp_path / "base", tmp_path / "copy")
    source = write_adapter_source(tmp_path / "source", base, base_model_name_or_path=str(tmp_path / "copy"))
    saved = publish(source, settings, base, "pip", 1)
    config = json.loads((settings.adapters_dir / saved.name / CONFIG).read_text())
    assert config["base_model_name_or_path"] == base.path


def test_publishing_again_changes_nothing(source: Path, settings: ServingSettings, base: BaseModel) -> None:
    first = publish(source, settings, base, "pip", 1)
    folder = settings.adapters_dir / first.name
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert publish(source, settings, base, "pip", 1) == first
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_an_adapter_that_fails_a_check_leaves_no_trace(
    tmp_path: Path, settings: ServingSettings, base: BaseModel
) -> None:
    source = write_adapter_source(tmp_path / "source", base, value=float("nan"))
    with pytest.raises(AdapterLoadError, match="NaN"):
        publish(source, settings, base, "pip", 1)
    assert not settings.adapters_dir.exists()


def test_a_taken_name_with_other_content_is_refused(source: Path, settings: ServingSettings, base: BaseModel) -> None:
    saved = publish(source, settings, base, "pip", 1)
    config = json.loads((source / CONFIG).read_text()) | {"lora_alpha": 16}
    (source / CONFIG).write_text(json.dumps(config))
    with pytest.raises(AdapterLoadError, match="never used twice"):
        publish(source, settings, base, "pip", 1)
    assert whole_folder(settings.adapters_dir, saved.name)


def die_at(step: int, act: Any) -> int:
    """Run ``act`` in a child process that ends, without any clean-up, at its step-th touch of the file system."""
    child = os.fork()
    if child == 0:
        left = step

        def hook(event: str, _: Any) -> None:
            nonlocal left
            if event in {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"}:
                left -= 1
                if left == 0:
                    os._exit(9)

        sys.addaudithook(hook)
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_crash_at_any_point_leaves_a_whole_adapter_or_none(
    source: Path, settings: ServingSettings, base: BaseModel
) -> None:
    name = publish(source, settings, base, "pip", 1).name
    for step in range(1, 200):
        shutil.rmtree(settings.adapters_dir)
        died = die_at(step, lambda: publish(source, settings, base, "pip", 1)) == 9
        if (settings.adapters_dir / name).exists():
            assert whole_folder(settings.adapters_dir, name)
        assert publish(source, settings, base, "pip", 1).name == name
        assert whole_folder(settings.adapters_dir, name)
        if not died:
            break
    assert 10 < step < 199


def test_what_a_dead_process_left_is_cleared_later(source: Path, settings: ServingSettings, base: BaseModel) -> None:
    old, young = settings.adapters_dir / ".tmp-old", settings.adapters_dir / ".tmp-young"
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / WEIGHTS).write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    publish(source, settings, base, "pip", 1)
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: shutil.rmtree(folder), "No adapter"),
        (lambda folder: (folder / READY).unlink(), "no READY mark"),
        (lambda folder: (folder / RECORD).write_text("{}"), "missing or damaged"),
        (lambda folder: (folder / RECORD).unlink(), "missing or damaged"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"x"), "truncated or changed"),
        (lambda folder: (folder / CONFIG).write_text("{}"), "truncated or changed"),
        (lambda folder: (folder / WEIGHTS).unlink(), "has lost its file"),
    ],
)
def test_a_folder_that_changed_is_refused(
    source: Path, settings: ServingSettings, base: BaseModel, spoil: Any, words: str
) -> None:
    saved = publish(source, settings, base, "pip", 1)
    spoil(settings.adapters_dir / saved.name)
    with pytest.raises(AdapterLoadError, match=words):
        whole_folder(settings.adapters_dir, saved.name)


def test_weights_and_record_of_another_adapter_are_seen(
    tmp_path: Path, source: Path, settings: ServingSettings, base: BaseModel
) -> None:
    one = settings.adapters_dir / publish(source, settings, base, "pip", 1).name
    other = write_adapter_source(tmp_path / "other", base, value=0.25)
    two = settings.adapters_dir / publish(other, settings, base, "pip", 2).name
    for name in (WEIGHTS, RECORD, CONFIG):
        shutil.copy(two / name, one / name)
    with pytest.raises(AdapterLoadError, match="belongs to another adapter"):
        whole_folder(settings.adapters_dir, one.name)


def test_files_that_were_exchanged_with_what_is_written_beside_them_are_not_what_the_record_says(
    source: Path, settings: ServingSettings, base: BaseModel
) -> None:
    saved = publish(source, settings, base, "pip", 1)
    seal = Seal(saved.sha256, saved.config_sha256)
    folder = whole_folder(settings.adapters_dir, saved.name, seal)
    config = json.loads((folder / CONFIG).read_text()) | {"lora_alpha": 8000}  # the weights count a thousandfold
    (folder / CONFIG).write_text(json.dumps(config))
    about = json.loads((folder / RECORD).read_text()) | {"config_sha256": sha256_of(folder / CONFIG)}
    (folder / RECORD).write_text(json.dumps(about))
    assert whole_folder(settings.adapters_dir, saved.name), "by themselves, the files look whole"
    with pytest.raises(AdapterLoadError, match="not the adapter that was trained"):
        whole_folder(settings.adapters_dir, saved.name, seal)
    assert whole_folder(settings.adapters_dir, saved.name, Seal(saved.sha256, None)), "recorded before that was kept"
    with pytest.raises(AdapterLoadError, match="not the adapter that was trained"):
        whole_folder(settings.adapters_dir, saved.name, Seal("0" * 64, None))


def test_a_quarantined_adapter_has_no_name_that_could_be_loaded(
    source: Path, settings: ServingSettings, base: BaseModel
) -> None:
    name = publish(source, settings, base, "pip", 1).name
    hidden = quarantine(settings.adapters_dir, name)
    assert not (settings.adapters_dir / name).exists()
    with pytest.raises(AdapterLoadError, match="cannot be an adapter's name"):
        check_name(hidden.name)


@given(st.text(), st.integers(0, 10**6), st.text(alphabet="0123456789abcdef", min_size=64, max_size=64))
def test_a_name_stays_inside_the_folder_or_is_refused(slug: str, version: int, sha256: str) -> None:
    try:
        name = adapter_name(slug, version, sha256)
    except AdapterLoadError:
        return
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert Path("/adapters", name).resolve().parent == Path("/adapters")
    assert name.endswith(f"-v{version}-{sha256[:8]}")


@pytest.mark.parametrize("name", ["", "..", "../x", "/etc", "a/b", ".tmp-x", "Pip-v1-00000000", "a" * 121, "a\n", "-a"])
def test_dangerous_names_are_refused(name: str) -> None:
    with pytest.raises(AdapterLoadError):
        check_name(name)
