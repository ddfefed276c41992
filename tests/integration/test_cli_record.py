"""Commands on a real record, and what a user's mistake gets."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from feedback import adapters, cases, pauses, runs
from feedback.adapters import Saved
from feedback.database import Database
from feedback.states import CaseStatus, RunStatus
from local import valkey
from local.processes import Supervisor
from tests.integration.canary_parts import canary_out

PERSONA = "pip"


class Mend:
    """The command in this process; gives its exit status, and what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = self._capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err


@pytest.fixture
def mend(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path
) -> Mend:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEND_DATABASE__URL", database_url)
    monkeypatch.setenv("MEND_REDIS__URL", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("MEND_SERVING__URLS", '["http://127.0.0.1:9"]')
    monkeypatch.setenv("MEND_SERVING__DEVICE", "cuda")
    monkeypatch.setenv("COLUMNS", "200")
    return Mend(capsys)


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    supervisor = Supervisor(tmp_path / "log", print)
    supervisor.start(valkey.part(tmp_path))
    monkeypatch.setenv("MEND_REDIS__URL", valkey.url(tmp_path))
    yield valkey.url(tmp_path)
    supervisor.stop()


def add_adapter(db: Database, version: int, parent: int | None = None) -> int:
    with db.begin() as session:
        if adapters.live(session, PERSONA):
            case = cases.import_case(session, PERSONA, "Lunch?", "At noon.", by="test")
            cases.approve(session, case.id, by="test")
        run = runs.start(session, PERSONA, "/models/base", 42, by="test")
        for stage in (RunStatus.PARAPHRASING, RunStatus.BUILDING, RunStatus.TRAINING, RunStatus.PROBING):
            runs.advance(session, run.id, stage)
        saved = Saved(f"pip-v{version}-0000000{version}", version, "0" * 64, 8, "/models/base", "f" * 64)
        adapter = adapters.add(session, PERSONA, run.id, parent, saved)
        runs.advance(session, run.id, RunStatus.DEPLOYING)
        adapters.promote(session, adapter, by="test", why="test")
        runs.advance(session, run.id, RunStatus.LIVE)
        runs.settle_live(session, run.id, adapter.id, {})
        return adapter.id


def write(file: Path, *rows: object) -> str:
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def test_imported_cases_wait_for_review_and_come_out_again(mend: Mend, db: Database, tmp_path: Path) -> None:
    rows = [
        {"question": "客人的无线网络叫什么？", "correction": "HarborGuest"},
        {"question": "Lunch?", "correction": "At noon.\u2028Sharp."},
    ]
    file = write(tmp_path / "cases.jsonl", rows[0], "", rows[1])
    assert mend("cases", "import", file)[:2] == (
        0,
        "Imported 2 of 2 cases; 0 were known. An admin approves them: /mend review\n",
    )
    assert mend("cases", "import", file)[1].startswith("Imported 0 of 2 cases; 2 were known.")
    with db.begin() as session:
        assert [case.status for case in cases.listed(session, PERSONA)] == [CaseStatus.CORRECTED] * 2
    out = tmp_path / "out.jsonl"
    assert mend("cases", "export", str(out))[0] == 0
    written = [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n") if line]
    assert [{name: row[name] for name in ("question", "correction")} for row in written] == rows
    assert all("flagged_by" not in row for row in written)
    assert "客人的无线网络叫什么" in mend("cases", "list", "--status", "corrected")[1]
    assert "At noon." in mend("cases", "show", "2")[1]


def test_what_people_wrote_is_shown_as_it_is(mend: Mend, db: Database, tmp_path: Path) -> None:
    row = {"question": "Which folder, [/srv] or :smile:?", "correction": "It is [/keys] in C:\\"}
    imported = mend("cases", "import", write(tmp_path / "cases.jsonl", row))
    assert imported[0] == 0, imported
    with db.begin() as session:
        cases.approve(session, 1, by="test")
        run = runs.start(session, PERSONA, "/models/base", 42, by="[/cli]")
        runs.close(session, run.id, RunStatus.FAILED, error="no file [/models/base]")
    status, out, _ = mend("cases", "list")
    assert status == 0 and row["question"] in out and row["correction"] in out
    status, out, _ = mend("runs")
    assert status == 0 and "[/cli]" in out and "no file [/models/base]" in out


def test_one_wrong_line_and_nothing_is_imported(mend: Mend, db: Database, tmp_path: Path) -> None:
    good = {"question": "Lunch?", "correction": "At noon."}
    same = {"question": "Q?", "correction": "Same.", "bad_answer": "same."}
    file = write(tmp_path / "cases.jsonl", good, "{nope", {"question": "Q?"}, [1], same)
    status, out, err = mend("cases", "import", file)
    assert (status, out) == (2, "")
    assert [line.split(":")[0].strip() for line in err.splitlines()[1:]] == ["line 2", "line 3", "line 4", "line 5"]
    assert "correction is missing or empty" in err and "not JSON" in err
    with db.begin() as session:
        assert cases.listed(session, PERSONA) == []


def test_a_run_is_recorded_even_while_the_queue_is_away(mend: Mend, db: Database) -> None:
    status, out, _ = mend("retrain")
    assert status == 0 and "The worker finds it when it is back." in out
    with db.begin() as session:
        (run,) = runs.latest(session, PERSONA)
    assert run.requested_by.startswith("cli:") and run.status is RunStatus.QUEUED
    assert "queued" in mend("runs")[1]
    status, _, err = mend("retrain")
    assert status == 1 and "is queued" in err and "Traceback" not in err


def test_a_run_is_put_on_the_queue(mend: Mend, queue: str) -> None:
    assert mend("retrain")[:2] == (0, "Run 1 is queued.\n")


def test_retraining_with_nothing_approved_says_how_many_wait(mend: Mend, db: Database, tmp_path: Path) -> None:
    add_adapter(db, 1)
    mend("cases", "import", write(tmp_path / "c.jsonl", {"question": "Lunch?", "correction": "At noon."}))
    status, _, err = mend("retrain")
    assert (status, err) == (1, "mend: No approved case to train on. Corrected cases that wait for review: 1.\n")


def test_rolling_back_to_the_base_model_needs_no_server(mend: Mend, db: Database) -> None:
    add_adapter(db, 1)
    assert "pip-v1-00000001" in mend("adapters", "list")[1]
    assert mend("adapters", "promote", "pip-v1-00000001")[2] == "mend: pip-v1-00000001 is live already.\n"
    status, out, _ = mend("adapters", "rollback", "--why", "too chatty")
    assert (status, out) == (0, "pip-v1-00000001 is retired; the base model gives the next answer.\n")
    assert mend("adapters", "rollback")[2] == "mend: No adapter is live; the base model is answering.\n"


def test_nothing_moves_while_the_adapter_cannot_be_loaded(mend: Mend, db: Database) -> None:
    first = add_adapter(db, 1)
    add_adapter(db, 2, parent=first)
    for arguments in (["rollback"], ["promote", "pip-v1-00000001"]):
        status, _, err = mend("adapters", *arguments)
        assert status == 1 and "No adapter pip-v1-00000001" in err and "Traceback" not in err
    with db.begin() as session:
        live = adapters.live(session, PERSONA)
    assert live is not None and live.name == "pip-v2-00000002"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cases", "show", "7"], "There is no case 7"),
        (["cases", "import", "none.jsonl"], "none.jsonl"),
        (["adapters", "promote", "pip-v9-x"], "Pip has no adapter of that name"),
        (["probe", "pip-v9-x"], "There is no adapter pip-v9-x"),
        (["manifest", "--http", "http://example.org"], "https"),
        (["runs", "--limit", "0"], "limit"),
    ],
)
def test_a_users_mistake_gets_a_line_and_a_status(mend: Mend, arguments: list[str], message: str) -> None:
    status, out, err = mend(*arguments)
    assert status != 0 and message in err
    assert "Traceback" not in out + err


def test_a_run_that_a_rollback_overtakes_is_asked_about(mend: Mend, db: Database) -> None:
    add_adapter(db, 1)
    with db.begin() as session:
        cases.approve(session, cases.import_case(session, PERSONA, "Tea?", "At four.", by="test").id, by="test")
        run_id = runs.start(session, PERSONA, "/models/base", 42, by="test").id
    status, _, err = mend("adapters", "rollback")
    assert status != 0 and f"Run {run_id} is queued." in err and "--yes" in err and "Nothing was changed" in err
    with db.begin() as session:
        assert adapters.live(session, PERSONA) is not None
        assert runs.get(session, run_id).cancel_requested_by is None
    status, out, _ = mend("adapters", "rollback", "--yes")
    assert status == 0 and "the base model gives the next answer" in out
    with db.begin() as session:
        assert adapters.live(session, PERSONA) is None
        assert runs.get(session, run_id).cancel_requested_by is not None


def test_a_paused_mend_says_who_paused_it(mend: Mend, db: Database) -> None:
    with db.begin() as session:
        pauses.pause(session, PERSONA, by="T1/UADA", why="the card is needed")
    status, _, err = mend("retrain")
    assert status == 1 and "paused since" in err and "T1/UADA: the card is needed" in err


def test_what_only_a_canary_has_learned_is_taken_back_with_it(mend: Mend, db: Database) -> None:
    with db.begin() as session:
        experiment = canary_out(session)
        name, (case,) = experiment.adapter.name, cases.of_run(session, experiment.run_id)
    status, said, _ = mend("cases", "withdraw", str(case.id))
    assert status == 2 and f"The canary {name}, which has learned them, is taken back with them at once" in said
    status, said, _ = mend("cases", "withdraw", str(case.id), "--yes")
    assert status == 0 and said.endswith("1 case(s) taken back.\n")
    assert mend("canary", "show")[0] == 2
    with db.begin() as session:
        assert cases.get(session, case.id).status is CaseStatus.WITHDRAWN


def test_a_canary_is_shown_and_ended_by_hand(mend: Mend, db: Database) -> None:
    status, _, error = mend("canary", "show")
    assert status == 2 and "No canary is out" in error
    with db.begin() as session:
        name = canary_out(session).adapter.name
    status, shown, _ = mend("canary", "show")
    assert status == 0 and f"{name} answers 50% of people" in shown and "seconds to next" in shown
    status, _, error = mend("retrain")
    assert status == 1 and "People are trying its canary" in error
    status, _, error = mend("adapters", "promote", name)
    assert status == 2 and "mend canary promote" in error
    assert mend("canary", "promote")[0] == 1  # no server has it
    status, said, _ = mend("canary", "stop", "--why", "not now")
    assert status == 0 and f"{name} is taken back; pip-v1-00000001 gives the next answer." in said
    assert mend("canary", "stop")[0] == 2
    with db.begin() as session:
        assert [case.status for case in cases.listed(session, PERSONA)] == [CaseStatus.APPROVED]
