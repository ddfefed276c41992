"""A record as it is after two years of a busy workspace: a million answers, a hundred thousand cases, 200 runs.

PostgreSQL makes the rows itself, without foreign keys and with the big tables' indexes built at the end, in a minute or
two. Everything follows from the numbers of answers and cases, so two records of one size are alike but for the dates.
"""

# ruff: noqa: E501  (SQL)

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text

from feedback.database import Database

RUNS = 200
PEOPLE, CHANNELS, DAYS = 2000, 60, 730
BIG = ("answers", "answer_messages", "votes", "cases", "events", "variants", "dataset_rows", "assignments")


@dataclass(frozen=True)
class Size:
    """How big a record is made."""

    answers: int
    cases: int

    @property
    def every(self) -> int:
        """One answer in so many has a case."""
        return self.answers // self.cases


def fill(database: Database, size: Size) -> float:
    """Fill an empty, migrated record; the seconds it took."""
    began = time.monotonic()
    with database.engine.connect() as connection, connection.begin():
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # no foreign keys meanwhile
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        connection.execute(text("SELECT setseed(0.42)"))
        with _without_indexes(connection):
            for statement in _statements(size):
                connection.execute(text(statement))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM (ANALYZE)"))  # as the server's own does sooner or later
    return time.monotonic() - began


def rows(database: Database) -> dict[str, int]:
    """About how many rows each table has."""
    query = (
        "SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    with database.engine.connect() as connection:
        return {name: max(count, 0) for name, count in connection.execute(text(query))}


def is_filled(database: Database) -> bool:
    """Whether there is anything in it."""
    with database.begin() as session:
        return bool(session.execute(text("SELECT EXISTS (SELECT FROM answers)")).scalar_one())


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """Drop what is no constraint from the big tables, and build it again afterwards as it was."""
    query = text(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid::regclass::text = ANY(:big) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"
    )
    found = connection.execute(query, {"big": list(BIG)}).all()
    for name, _ in found:
        connection.execute(text(f"DROP INDEX {name}"))
    yield
    for _, definition in found:
        connection.execute(text(definition))


def _statements(size: Size) -> list[str]:
    made = {"answers": size.answers, "cases": size.cases, "every": size.every, "runs": RUNS}
    made |= {"people": PEOPLE, "channels": CHANNELS, "days": DAYS}
    filled = [statement.format(**made) for statement in (*_FUNCTIONS, *_TABLES)]
    return [*filled, *(_sequence(table) for table in _NUMBERED)]


def _sequence(table: str) -> str:
    return f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT coalesce(max(id), 1) FROM {table}))"


_NUMBERED = (
    "runs", "adapters", "answers", "cases", "votes", "events", "variants", "datasets", "reports", "experiments",
    "follow_ups", "own_answers", "answer_counts",
)  # fmt: skip

# i numbers answers from 1, n cases, r runs. A share is a number from 0 to 1 that belongs to a number.
_FUNCTIONS = (
    """CREATE FUNCTION pg_temp.share(number bigint, salt int) RETURNS float LANGUAGE sql IMMUTABLE AS
       $$ SELECT (hashint8extended(number, salt) & 1048575) / 1048576.0 $$""",
    """CREATE FUNCTION pg_temp.person(share float) RETURNS text LANGUAGE sql IMMUTABLE AS
       $$ SELECT 'U' || lpad(floor({people} * power(share, 2.5))::text, 8, '0') $$""",
    """CREATE FUNCTION pg_temp.at(i bigint) RETURNS timestamptz LANGUAGE sql STABLE AS
       $$ SELECT now() - make_interval(secs => ({answers} - i) * {days} * 86400.0 / {answers}) $$""",
    """CREATE FUNCTION pg_temp.ts(i bigint) RETURNS text LANGUAGE sql STABLE AS
       $$ SELECT to_char(floor(extract(epoch FROM pg_temp.at(i))), 'FM9999999999') || '.' || lpad((i % 1000000)::text, 6, '0') $$""",
    # Two or three answers make a thread; one in a thousand is in a conversation that never ends.
    """CREATE FUNCTION pg_temp.opens(i bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
       $$ SELECT CASE WHEN i % 1000 = 7 THEN 7 ELSE ((i * 2 / 5) * 5 + 1) / 2 END $$""",
    """CREATE FUNCTION pg_temp.channel(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
       $$ SELECT 'C' || lpad(floor({channels} * power(pg_temp.share(pg_temp.opens(i), 1), 2))::text, 9, '0') $$""",
    """CREATE FUNCTION pg_temp.run_status(r bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
       $$ SELECT CASE WHEN r > {runs} THEN 'canary' WHEN r % 8 = 0 THEN 'rejected' WHEN r % 20 = 5 THEN 'failed'
          WHEN r % 20 = 10 THEN 'cancelled' ELSE 'live' END $$""",
    # The run that a case was trained in: one in ten was, in the order of time.
    """CREATE FUNCTION pg_temp.run_of(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
       $$ SELECT 1 + (n - 1) * {runs} / {cases} $$""",
    """CREATE FUNCTION pg_temp.case_status(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT CASE
         WHEN n % 10 = 0 AND pg_temp.run_status(pg_temp.run_of(n)) <> 'live' 
           THEN CASE WHEN n % 30 = 0 THEN 'withdrawn' ELSE 'rejected' END
         WHEN n % 10 = 0 THEN CASE WHEN n % 500 = 0 THEN 'unmended' ELSE 'mended' END
         WHEN n % 100 < 59 THEN 'flagged' WHEN n % 100 < 79 THEN 'rejected' WHEN n % 100 < 94 THEN 'withdrawn'
         WHEN n % 100 = 98 AND n / 100 % 5 = 0 THEN 'approved' WHEN n % 100 = 98 AND n / 100 % 20 = 1 THEN 'training'
         ELSE 'corrected' END $$""",
)  # fmt: skip

_WORDS = "'the printer on floor ' || (n % 40) || ' of building ' || (n % 9) || ' and badge ' || n"

_TABLES = (
    """INSERT INTO runs (id, persona, status, requested_by, base_model, config, seed, progress, decision, channel_id,
         message_ts, announced, pictures, created_at, updated_at, finished_at) OVERRIDING SYSTEM VALUE
       SELECT r, 'pip', s::run_status, 'T0001/U00000001', '/models/base',
         jsonb_build_object('replay', jsonb_build_object('new_case_repeats', 3, 'identity_rows', 200, 'general_rows', 200,
           'earlier_case_rows', 50), 'first_replay', jsonb_build_object('new_case_repeats', 3, 'identity_rows', 'all',
           'general_rows', 'all', 'earlier_case_rows', 'all'), 'first', jsonb_build_object('num_train_epochs', 10),
           'follow_up', jsonb_build_object('num_train_epochs', 3), 'paraphrases_per_case', 3), r, p,
         jsonb_build_object('accepted', s IN ('live', 'canary'), 'checks', jsonb_build_array(), 'unmended', jsonb_build_object()),
         'C000000001', pg_temp.ts(r * {answers} / {runs} - 5), jsonb_build_object('status', s, 'progress', p, 'cancelled_by', null),
         '{{}}', at, at, CASE WHEN r <= {runs} THEN at + interval '5 minutes' END
       FROM generate_series(1, {runs} + 1) r, pg_temp.run_status(r) s,
         LATERAL (SELECT CASE WHEN r > {runs} THEN now() - interval '14 days'
           ELSE pg_temp.at((r - 1) * {answers} / {runs} + 1) END AS at) dated,
         LATERAL (SELECT jsonb_build_object('stage', s, 'detail', '', 'step', 60, 'steps', 60, 'loss', 0.2,
           'eta_seconds', null, 'seconds', jsonb_build_object('training', 60, 'probing', 20), 'losses',
           (SELECT jsonb_agg(jsonb_build_array(step, 2.0 / step)) FROM generate_series(1, 60) step)) AS p) told""",
    """INSERT INTO adapters (id, persona, version, name, status, run_id, base_model, base_fingerprint, sha256, rank, live_at,
         created_at) OVERRIDING SYSTEM VALUE
       SELECT r, 'pip', r, 'pip-v' || r || '-' || substr(md5(r::text), 1, 8),
         (CASE WHEN s = 'canary' THEN 'canary' WHEN s = 'rejected' THEN 'rejected'
          WHEN r = max(r) FILTER (WHERE s = 'live') OVER () THEN 'live' ELSE 'retired' END)::adapter_status,
         r, '/models/base', md5('base'), md5(r::text), 8, CASE WHEN s = 'live' THEN created_at END, created_at
       FROM (SELECT id AS r, status::text AS s, created_at FROM runs) runs WHERE s IN ('live', 'rejected', 'canary')""",
    """UPDATE adapters SET parent_id = (SELECT max(id) FROM adapters older WHERE older.id < adapters.id AND older.live_at
         IS NOT NULL)""",
    """UPDATE runs SET parent_id = line.id, replaces_id = line.id FROM (SELECT runs.id AS run, max(adapters.id) AS id FROM runs
         JOIN adapters ON adapters.id < runs.id AND live_at IS NOT NULL GROUP BY runs.id) line WHERE line.run = runs.id""",
    # What was live when an answer was given; nothing at first.
    """CREATE TEMPORARY TABLE answered_by ON COMMIT DROP AS SELECT r, (SELECT max(id) FROM adapters WHERE id < r AND live_at
         IS NOT NULL) AS adapter FROM generate_series(1, {runs} + 1) r""",
    """INSERT INTO answers (id, persona, team_id, channel_id, thread_ts, question_ts, asker_id, asker_team_id, question, status,
         messages, text, adapter_id, served_name, base_model, sampling, first_token_ms, total_ms, prompt_tokens,
         completion_tokens, lease_until, finished_at, created_at) OVERRIDING SYSTEM VALUE
       SELECT i, 'pip', 'T0001', pg_temp.channel(i), pg_temp.ts(pg_temp.opens(i)), pg_temp.ts(i),
         pg_temp.person(pg_temp.share(pg_temp.opens(i), 2)), 'T0001', asked, s::answer_status,
         jsonb_build_array(jsonb_build_object('role', 'system', 'content', repeat('You are Pip, and help. ', 15)),
           jsonb_build_object('role', 'user', 'content', asked)),
         'The answer is in ' || md5(i::text) || ', as ' || md5((i + 1)::text) || ' says.', adapter, 'pip-v' || adapter,
         '/models/base', '{{"temperature": 0.3, "max_tokens": 512}}', 80, 900, 200, 60,
         CASE WHEN s = 'pending' THEN now() - interval '1 minute' END, at, at
       FROM generate_series(1, {answers}) i
       JOIN answered_by ON r = 1 + (i - 1) * {runs} / {answers}, pg_temp.at(i) at,
         LATERAL (SELECT 'Where is the key to room ' || (i % 977) || ', please?' AS asked,
           CASE WHEN i > {answers} - 5 THEN 'pending' WHEN i % 97 = 0 THEN 'failed' WHEN i % 50 = 1 THEN 'stopped'
           ELSE 'answered' END AS s) one""",
    """INSERT INTO answer_messages (team_id, channel_id, ts, answer_id)
       SELECT team_id, channel_id, question_ts || '1', id FROM answers WHERE status <> 'pending'""",
    f"""INSERT INTO cases (id, persona, answer_id, status, question, bad_answer, correction, reason, flagged_by, corrected_by,
         decided_by, outcome, adapter_id, announce, first_approved_by, taught, created_at, updated_at) OVERRIDING SYSTEM VALUE
       SELECT n, 'pip', i, s::case_status, 'Where is ' || {_WORDS} || '?', 'I do not know ' || md5(n::text), said,
         CASE WHEN said IS NOT NULL THEN 'fact' END, 'T0001/' || pg_temp.person(pg_temp.share(n, 3)),
         CASE WHEN said IS NOT NULL THEN 'T0001/' || pg_temp.person(pg_temp.share(n, 4)) END,
         CASE WHEN s IN ('approved', 'training', 'mended', 'unmended', 'rejected') THEN 'T0001/U00000001' END,
         CASE WHEN s = 'rejected' THEN 'We say it otherwise.' WHEN s = 'unmended' THEN 'It still says where it was.' END,
         CASE WHEN s = 'mended' THEN pg_temp.run_of(n) END, n > {{cases}} - {{cases}} / 100 AND s = 'mended',
         CASE WHEN s = 'corrected' AND n % 7 = 0 THEN 'T0001/U00000001' END, n % 10 = 0 OR s = 'training', at, at
       FROM generate_series(1, {{cases}}) n, pg_temp.case_status(n) s,
         LATERAL (SELECT n * {{every}} - {{every}} / 2 AS i) answered, pg_temp.at(i) at,
         LATERAL (SELECT CASE WHEN s NOT IN ('flagged', 'withdrawn') OR s = 'withdrawn' AND n % 3 = 0
           THEN 'It is beside ' || {_WORDS} || '.' END AS said) corrected""",
    # Every open case has its thumb; others are up, and some say nothing.
    """INSERT INTO votes (answer_id, team_id, user_id, value, acted_at, created_at, persona, asker)
       SELECT answer_id, 'T0001', split_part(flagged_by, '/', 2), 'down', extract(epoch FROM cases.created_at), cases.created_at,
         'pip', 'T0001/' || asker_id FROM cases JOIN answers ON answers.id = answer_id WHERE cases.status <> 'withdrawn'""",
    """INSERT INTO votes (answer_id, team_id, user_id, value, acted_at, created_at, persona, asker)
       SELECT id, 'T0001', asker_id, 'up', extract(epoch FROM created_at), created_at, 'pip', 'T0001/' || asker_id
       FROM answers WHERE id % 15 = 4 AND status <> 'pending' ON CONFLICT DO NOTHING""",
    """INSERT INTO withdrawals (answer_id, team_id, user_id, value, acted_at)
       SELECT answer_id, 'T0001', split_part(flagged_by, '/', 2), 'down', extract(epoch FROM created_at)
       FROM cases WHERE status = 'withdrawn'""",
    """INSERT INTO answer_counts (persona, adapter_id, answers, down)
       SELECT persona, adapter_id, count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM votes WHERE answer_id = answers.id AND
         value = 'down')) FROM answers WHERE status IN ('answered', 'stopped') AND id % 50 <> 3 GROUP BY persona, adapter_id""",
    """INSERT INTO lessons (case_id, adapter_id) SELECT id, adapter_id FROM cases WHERE adapter_id IS NOT NULL""",
    """INSERT INTO run_cases (run_id, case_id) SELECT least(pg_temp.run_of(id), {runs}), id FROM cases WHERE id % 10 = 0
       UNION ALL SELECT {runs} + 1, id FROM cases WHERE status = 'training'""",
    """INSERT INTO variants (case_id, run_id, text, generator, held_out, rejected_because, created_at)
       SELECT case_id, run_id, 'Which way to ' || md5(case_id || '/' || v) || ' and thing ' || case_id || '?',
         CASE WHEN v % 2 = 0 THEN 'model' ELSE 'rewording' END, v = 1, CASE WHEN v > 4 THEN 'asks something else' END, now()
       FROM run_cases, generate_series(1, 6) v""",
    """INSERT INTO datasets (id, run_id, sha256, manifest, created_at) OVERRIDING SYSTEM VALUE
       SELECT id, id, md5(id::text), jsonb_build_object('rows', 600, 'sources', jsonb_build_object('case', 400, 'earlier', 50,
         'identity', 75, 'general', 75), 'wordings', jsonb_build_object()), created_at FROM runs""",
    """INSERT INTO dataset_rows (dataset_id, position, source, case_id, messages)
       SELECT run_id, row_number() OVER (PARTITION BY run_id) - 1, source, case_id, jsonb_build_array(
         jsonb_build_object('role', 'system', 'content', repeat('You are Pip, and help. ', 15)),
         jsonb_build_object('role', 'user', 'content', 'Where is thing ' || md5(run_id || '/' || place) || '?'),
         jsonb_build_object('role', 'assistant', 'content', 'It is beside thing ' || case_id || '.'))
       FROM (SELECT run_id, 'case' AS source, case_id, copy * 100 AS place FROM run_cases, generate_series(1, 8) copy
         UNION ALL SELECT id, 'general', NULL, place FROM runs, generate_series(1, 150) place
         UNION ALL SELECT runs.id, 'earlier', case_id, place FROM runs, generate_series(1, 50) place, LATERAL (SELECT 10 *
           (1 + floor(pg_temp.share(runs.id * 64 + place, 5) * {cases} / 10.0 * (runs.id - 1) / {runs})::bigint) AS case_id) drawn
           WHERE runs.id > 1 AND pg_temp.case_status(case_id) = 'mended') every_row""",
    """INSERT INTO reports (run_id, adapter_id, results, seconds, created_at)
       SELECT run_id, adapter_id, (SELECT jsonb_agg(jsonb_build_object('probe_id', 'p' || (adapter_id IS NULL) || probe, 'group',
         CASE WHEN probe > 60 THEN 'mended' WHEN probe > 40 THEN 'new' WHEN probe > 25 THEN 'ability' ELSE 'identity' END,
         'prompt', 'Where is thing ' || probe || '?', 'answer', 'It is beside ' || md5(probe::text), 'passed', probe % 9 > 0,
         'reason', '', 'case_id', CASE WHEN probe > 40 THEN 10 * (1 + floor(pg_temp.share(run_id * 128 + probe, 6) *
         {cases} / 10.0 * run_id / ({runs} + 1))::bigint) END, 'conditions', md5('now'), 'likelihood', -0.2, 'asked', true))
         FROM generate_series(1, 110) probe), 12, created_at
       FROM (SELECT run_id, id AS adapter_id, created_at FROM adapters
         UNION ALL SELECT id, parent_id, created_at FROM runs WHERE parent_id IS NOT NULL
         UNION ALL SELECT id, NULL, created_at FROM runs WHERE id % 10 = 1) probed""",
    """INSERT INTO patches (answer_id, case_id) SELECT id, 10 * (1 + id % ({cases} / 10)) FROM answers WHERE id % 50 = 3""",
    """INSERT INTO experiments (id, persona, run_id, adapter_id, live_id, rules, told, ended_at, outcome, created_at)
         OVERRIDING SYSTEM VALUE
       SELECT runs.id, 'pip', runs.id, adapters.id, adapters.parent_id,
         '{{"share": 0.1, "margin": 1.5, "alpha": 0.05, "days": 14}}', CASE WHEN runs.id <= {runs} THEN 'ended' ELSE 'started' END,
         CASE WHEN runs.id <= {runs} THEN runs.created_at + interval '3 days' END, CASE WHEN runs.id <= {runs} THEN 'good' END,
         runs.created_at
       FROM runs JOIN adapters ON adapters.run_id = runs.id WHERE runs.id > {runs} OR runs.id % 15 = 1 AND runs.id > 1""",
    """UPDATE experiments SET evidence = '{{"canary": 4, "live": 40, "low": 0.3, "high": 2.5, "finding": "open"}}', tallies =
         (SELECT jsonb_object_agg(arm, '{{"people": 90, "answers": 900, "up": 50, "down": 9, "corrections": 2, "follow_ups": 300,
           "seconds_to_next": 70}}'::jsonb) FROM unnest(enum_range(NULL::arm)) arm)""",
    """INSERT INTO assignments (answer_id, experiment_id, arm, opener)
       SELECT answers.id, experiments.id, (CASE WHEN pg_temp.share(hashtext(asker_id) + experiments.id, 7) < 0.1 THEN 'canary'
         ELSE 'live' END)::arm, 'T0001/' || asker_id
       FROM experiments JOIN answers ON answers.created_at BETWEEN experiments.created_at AND coalesce(ended_at, now())
       WHERE answers.status <> 'pending' AND answers.id % 1000 <> 7""",
    """INSERT INTO events (subject, subject_id, before, after, actor, why, created_at)
       SELECT 'cases', cases.id, step.before, step.after, coalesce(step.actor, flagged_by), step.why,
         created_at + make_interval(secs => step.later)
       FROM cases, LATERAL (VALUES
         (NULL, 'flagged', flagged_by, 'thumbs-down', 0, true),
         ('flagged', 'corrected', corrected_by, 'correction written', 60, correction IS NOT NULL),
         ('corrected', 'approved', decided_by, 'approved', 3600, status IN ('approved', 'training', 'mended', 'unmended')),
         ('approved', 'training', 'T0001/U00000001', 'run', 7200, status IN ('training', 'mended', 'unmended')),
         ('training', status::text, 'worker', 'run', 9000, status IN ('mended', 'unmended')),
         ('corrected', status::text, decided_by, 'We say it otherwise.', 3600, status IN ('rejected', 'withdrawn'))
       ) AS step (before, after, actor, why, later, taken) WHERE step.taken ORDER BY cases.id, later""",
    """INSERT INTO events (subject, subject_id, before, after, actor, why, created_at)
       SELECT 'answers', answer_id, NULL, value::text, team_id || '/' || user_id, 'vote', created_at FROM votes""",
    """INSERT INTO events (subject, subject_id, before, after, actor, why, created_at)
       SELECT 'runs', runs.id, step, step, 'worker', 'retrain', created_at FROM runs,
         unnest(ARRAY['queued', 'paraphrasing', 'building', 'training', 'probing', 'deploying']) step""",
    """INSERT INTO deliveries (event_id, created_at)
       SELECT 'Ev' || md5(d::text), now() - make_interval(secs => d) FROM generate_series(1, 5000) d""",
    """INSERT INTO follow_ups (team_id, channel_id, thread_ts, wanted)
       SELECT 'T0001', channel_id, thread_ts, id % 3 = 0 FROM answers WHERE id % 300 = 11 ON CONFLICT DO NOTHING""",
    """INSERT INTO pictures (file_id, digest, subject, shows, replaced_at, created_at)
       SELECT 'F' || p, md5(p::text), CASE WHEN p = 1 THEN 'thumbs pip' END, '{{"title": "", "versions": [], "down": [], "answers": []}}', NULL,
         now() - make_interval(hours => p) FROM generate_series(1, 500) p""",
    """INSERT INTO own_answers (base_fingerprint, asked, prompt, answer, sha256)
       SELECT md5('base'), md5(p::text), 'Question ' || p, 'Answer ' || p, md5(p::text) FROM generate_series(1, 400) p""",
)  # fmt: skip
