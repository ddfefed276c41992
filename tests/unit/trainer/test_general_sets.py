"""General data sets: how they are named, and what a frozen dataset says of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import dataset
from trainer.general_sets import GeneralSet, GeneralSetError, of_manifest


@pytest.mark.parametrize(
    ("written", "name", "rows", "is_file"),
    [
        ("AI-ModelScope/alpaca-gpt4-data-zh#500", "AI-ModelScope/alpaca-gpt4-data-zh", 500, False),
        ("hf::tatsu-lab/alpaca:default#20", "hf::tatsu-lab/alpaca:default", 20, False),
        (" data/rows #1.jsonl#7 ", "data/rows #1.jsonl", 7, True),
    ],
)
def test_a_set_is_named_as_swift_names_it(written: str, name: str, rows: int, is_file: bool) -> None:
    found = GeneralSet.parse(written)
    assert (found, found.is_file) == (GeneralSet(name, rows), is_file)
    assert found.argument.endswith(f"{name}#{rows}")


@pytest.mark.parametrize("written", ["a/b", "a/b#", "a/b#0", "a/b#x", "#5", "", "alpaca#5", "a/b/c#5", "data/#5"])
def test_what_is_no_set_is_refused(written: str) -> None:
    with pytest.raises(GeneralSetError, match=r"does not say how many rows|neither a file"):
        GeneralSet.parse(written)


@given(st.text(max_size=40))
def test_any_text_is_a_set_or_refused(written: str) -> None:
    try:
        assert GeneralSet.parse(written).rows > 0
    except GeneralSetError as refused:
        assert str(refused)


def test_the_hash_of_a_dataset_says_which_sets_were_mixed_in_and_what_a_file_held(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"messages": []}\n', encoding="utf-8")
    recorded = [GeneralSet(str(path), 4).recorded(), GeneralSet("owner/name", 500).recorded()]
    about = dataset.manifest([], 1, [], recorded)
    assert about["sources"] == {"general_set": 504} and about["rows"] == 504
    assert about["sha256"] == dataset.sha256([], recorded) != dataset.sha256([])
    assert about["sha256"] != dataset.sha256([], [recorded[0], {**recorded[1], "rows": 501}])
    assert of_manifest(recorded) == (GeneralSet(str(path), 4), GeneralSet("owner/name", 500))
    path.write_text('{"messages": [1]}\n', encoding="utf-8")
    with pytest.raises(GeneralSetError, match="was changed after the dataset was frozen; start a new run"):
        of_manifest(recorded)
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(GeneralSetError, match="has no rows; write some"):
        of_manifest(recorded)
    path.unlink()
    with pytest.raises(GeneralSetError, match=r"cannot be read .*; mend general_sets in the training configuration"):
        of_manifest(recorded)
