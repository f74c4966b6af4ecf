"""Who works on what, when several processes take part in one study.

A claim is a row of a table beside Optuna's, in the same database. Making it is atomic: of two
processes, on one machine or two, one gets it. Claims of dead processes are taken over. The system
tells whether a process of this machine is dead; one of another machine counts as dead when its
heartbeat has stood still for ``LEASE`` seconds, by the clock of the process that waits for it.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError

from debiaslab.system.provenance import Process, surely_dead, this_process

BEAT = 10.0  # seconds between heartbeats
LEASE = 120.0  # seconds without one after which a process of another machine counts as dead
_WAIT = 0.5  # seconds between two looks at another process's claim

_METADATA = MetaData()
_TABLE = Table(
    "debiaslab_claims",
    _METADATA,
    Column("study", String(512), primary_key=True),
    Column("what", String(64), primary_key=True),
    Column("owner", String(32), nullable=False),  # the Claims object that made it
    Column("host", String(256), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", String(64), nullable=False),
    Column("beat", Integer, nullable=False),
)


@dataclass(frozen=True)
class Claim:
    """Something that this process alone works on."""

    what: str
    before: Process | None  # the dead process it was taken over from


@dataclass(frozen=True)
class _Holder:
    owner: str
    process: Process
    beat: int


class Claims:
    """The claims of one participant in a study; leaving its context releases them.

    Args:
        engine: Of the database that all participants share.
        study: Name of the study.
    """

    def __init__(self, engine: Engine, study: str) -> None:
        self._engine = engine
        self._study = study
        self._owner = uuid.uuid4().hex
        self._seen: dict[str, tuple[_Holder, float]] = {}
        self._ended = threading.Event()
        _make_table(engine)

    def __enter__(self) -> Claims:
        threading.Thread(target=self._keep_beating, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        with suppress(SQLAlchemyError):  # another process takes over what is left
            self._execute(delete(_TABLE).where(_TABLE.c.owner == self._owner))

    def take(self, what: str) -> Claim | None:
        """Return the claim to ``what``; None while another live process has it."""
        own = {"owner": self._owner, **asdict(this_process()), "beat": 0}
        try:
            self._execute(insert(_TABLE).values(study=self._study, what=what, **own))
        except IntegrityError:
            holder = self._holder(what)
            if holder is None or not self._gone(what, holder):
                return None
            taken = update(_TABLE).where(
                self._is(what), _TABLE.c.owner == holder.owner, _TABLE.c.beat == holder.beat
            )
            return Claim(what, holder.process) if self._execute(taken.values(**own)) else None
        return Claim(what, None)

    def wait_for(self, what: str) -> Claim:
        """Return the claim to ``what`` as soon as no other live process has it."""
        while (claim := self.take(what)) is None:
            time.sleep(_WAIT)
        return claim

    @contextmanager
    def held(self, claim: Claim) -> Iterator[Claim]:
        """Release a claim at the end, whatever happens."""
        try:
            yield claim
        finally:
            with suppress(SQLAlchemyError):
                self._execute(
                    delete(_TABLE).where(self._is(claim.what), _TABLE.c.owner == self._owner)
                )

    def still_mine(self, claim: Claim) -> bool:
        """Whether no other process has taken this one for dead and its claim over."""
        holder = self._holder(claim.what)
        return holder is not None and holder.owner == self._owner

    def _holder(self, what: str) -> _Holder | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(_TABLE).where(self._is(what))).mappings().first()
        if row is None:
            return None
        return _Holder(row["owner"], Process(row["host"], row["pid"], row["started"]), row["beat"])

    def _gone(self, what: str, holder: _Holder) -> bool:
        """Whether a holder is dead, or its heartbeat stood still for a lease while we waited."""
        now = time.monotonic()
        seen, since = self._seen.get(what, (None, now))
        if seen != holder:
            self._seen[what], since = (holder, now), now
        if holder.process.host == this_process().host:
            return surely_dead(holder.process)
        return now - since > LEASE

    def _keep_beating(self) -> None:
        while not self._ended.wait(BEAT):
            with suppress(SQLAlchemyError):  # the next one may get through
                self._beat()

    def _beat(self) -> None:
        mine = update(_TABLE).where(_TABLE.c.owner == self._owner)
        self._execute(mine.values(beat=_TABLE.c.beat + 1))

    def _is(self, what: str):  # type: ignore[no-untyped-def]  # a clause; SQLAlchemy's own types
        return and_(_TABLE.c.study == self._study, _TABLE.c.what == what)

    def _execute(self, statement) -> int:  # type: ignore[no-untyped-def]
        with self._engine.begin() as connection:
            return int(connection.execute(statement).rowcount)


def forget_claims(engine: Engine, study: str) -> None:
    """Remove the claims that processes which died have left in a study."""
    _make_table(engine)
    with engine.begin() as connection:
        connection.execute(delete(_TABLE).where(_TABLE.c.study == study))


def _make_table(engine: Engine) -> None:
    try:
        _METADATA.create_all(engine)
    except (OperationalError, ProgrammingError, IntegrityError):
        _METADATA.create_all(engine)  # another process was making it at this moment
