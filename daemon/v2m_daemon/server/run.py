"""The daemon's life: lock, list of jobs, worker, socket; then serve until told to stop, and drain."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final

from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from v2m import __version__
from v2m.rpc.v1 import scoring_pb2_grpc
from v2m_daemon.access import make_token
from v2m_daemon.config import Config
from v2m_daemon.confine import Confinement
from v2m_daemon.endpoint import Endpoint
from v2m_daemon.home import Home
from v2m_daemon.jobs.attendant import Attendant
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.lock import FileLock
from v2m_daemon.server.auth import Door
from v2m_daemon.server.gate import Gate
from v2m_daemon.server.listen import Address, bind, bind_door, new_server
from v2m_daemon.server.service import SERVICE, About, ScoringService
from v2m_daemon.server.uploads import Uploads
from v2m_daemon.worker.executor import Executor

GRACE_S: Final = 0.5
"""For answers on their way; with the jobs (4 s) and the worker (3 s) all ends within ten seconds."""

START_AGAIN_S: Final = 5.0
"""After an attendant broke: long enough not to fill the log, short enough not to be missed."""

GARBAGE_AFTER: Final = 20_000
"""New objects between two looks for garbage: some ten megabytes. Python's 700 come with every few calls."""

DAY_S: Final = 24 * 3600.0

Ready = Callable[[Endpoint], None]

log = logging.getLogger(__name__)


def run_daemon(
    home: Home, config: Config, executor: Executor, *, attendants: Sequence[Attendant] = (),
    ready: Ready | None = None,
) -> int:  # fmt: skip
    """Serve until SIGTERM or SIGINT; 0 when everything ended in order.

    Raises:
        V2MError: as `serve`.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(home, config, executor, attendants=attendants, ready=ready))
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Of the loop that takes least of the processor a call; None: Python's own, on Windows."""
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


async def serve(
    home: Home, config: Config, executor: Executor, *, attendants: Sequence[Attendant] = (),
    ready: Ready | None = None, stop: asyncio.Event | None = None,
) -> None:  # fmt: skip
    """Serve until told to stop, then drain: what runs goes back to the queue, on disk.

    Args:
        home: made where it is missing.
        config: everything that the user may set.
        executor: not opened yet.
        attendants: work beside the server.
        ready: called once when clients can connect.
        stop: ends it, beside the signals.

    Raises:
        AlreadyRunningError: another daemon has this home.
        UsageError: the configuration makes no sense.
        UnfinishedError: the address cannot be had.
        V2MError: the list of jobs or the executor cannot be used.
    """
    address = Address.of(config.server)
    home.make()
    confinement = _confinement(home, config, address)
    stop = stop or asyncio.Event()
    with FileLock(home.lock), _signals(stop):
        token = make_token(home)
        uploads = Uploads(home, config.server.upload_bytes, config.queue.keep_days * DAY_S)
        await asyncio.to_thread(uploads.remove_left_over)
        about = About(time.time_ns() // 1_000_000, config.worker.executor)
        opened = Desk.opened(
            home, executor, config.queue, watchers=config.server.watchers, roots=confinement.roots
        )
        async with opened as desk:
            service = ScoringService(desk, confinement, uploads, about, config.server.answer_within_s)
            async with (
                _served(home, config, address, token, service, desk) as endpoint,
                _attended((*attendants, uploads), desk, confinement),
            ):
                _freeze()
                log.info("v2m %s listens at %s", __version__, endpoint.target)
                if ready is not None:
                    ready(endpoint)
                await stop.wait()
                log.info("stopping")


def _freeze() -> None:
    """Look for garbage among the modules a last time: it takes 20 ms in which nobody is answered."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)


def _confinement(home: Home, config: Config, address: Address) -> Confinement:
    roots = config.server.roots
    if not roots and not address.is_local:
        roots = (str(home.uploads),)  # strangers bring their own media
    return Confinement(home, roots, config.server.path_map)


@contextlib.asynccontextmanager
async def _served(
    home: Home, config: Config, address: Address, token: str, service: ScoringService, desk: Desk
) -> AsyncIterator[Endpoint]:
    """The service on its address, with health and reflection; told to whoever may enter the home.

    At the end the desk is closed while answers can still be given.
    """
    door = Door(token)
    server = new_server(config.server, door)
    door.add_generic_rpc_handlers((Gate(desk),))
    scoring_pb2_grpc.add_ScoringServiceServicer_to_server(service, door)
    healths = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healths, door)
    names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflections = reflection.aio.ReflectionServicer(names)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflections, door)
    target = bind(server, address, config.server, home)
    certificate = "" if address.is_unix else config.server.tls_cert
    if not address.is_local:
        log.info("other machines reach it at %s", target)
        target, certificate = bind_door(server, home), ""
    for name in ("", SERVICE):
        await healths.set(name, health_pb2.HealthCheckResponse.SERVING)
    await server.start()
    endpoint = Endpoint(
        target=target,
        pid=os.getpid(),
        version=__version__,
        started_ms=service.about.started_ms,
        is_tls=bool(certificate),
        certificate=certificate,
    )
    endpoint.write(home)
    try:
        yield endpoint
    finally:
        Endpoint.remove(home)
        await healths.enter_graceful_shutdown()
        await desk.close()
        await server.stop(GRACE_S)


@contextlib.asynccontextmanager
async def _attended(
    attendants: Sequence[Attendant], desk: Desk, confinement: Confinement
) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(_attend(attendant, desk, confinement)) for attendant in attendants]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _attend(attendant: Attendant, desk: Desk, confinement: Confinement) -> None:
    while True:
        try:
            await attendant.attend(desk, confinement)
            log.error("%s ended by itself; starting it again", attendant)
        except Exception:
            log.exception("%s broke; starting it again", attendant)
        await asyncio.sleep(START_AGAIN_S)


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """Let the signals that end a process end the daemon in order; outside of a main thread there are none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {}
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)  # each system has others
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # nohup is respected
            before[number] = signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
