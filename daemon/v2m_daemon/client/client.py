"""The client: what a daemon can be asked, as typed methods."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from v2m.errors import CancelledError, UnreachableError, V2MError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m_daemon.client import transfer, views
from v2m_daemon.client.address import Locate
from v2m_daemon.client.link import Link
from v2m_daemon.client.patience import Patience
from v2m_daemon.client.requests import request_of
from v2m_daemon.client.views import ServerInfo
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.jobs.view import JobState, JobView
from v2m_daemon.worker.executor import Backbone

PATIENCE_S: Final = 5.0
"""A daemon that is started again answers within about two seconds."""

WATCH_PATIENCE_S: Final = 60.0
"""Who watches has time: a machine that restarts comes back within about a minute."""

WATCH_SLICE_S: Final = 60.0
"""A watch asks anew after so long, so that a connection that hangs is noticed."""

PAGE_SIZE: Final = 500
"""Jobs in one answer: about half a megabyte."""


class Client:
    """A daemon, called; usable from several threads, and as a context manager.

    Every method raises errors of `v2m.errors`: those of the daemon, and UnreachableError where none answers.
    Every call has a deadline and is tried again while the daemon is busy or away, up to `patience_s`; none
    does harm if it arrives twice.
    """

    def __init__(self, locate: Locate, *, patience_s: float = PATIENCE_S) -> None:
        """Nothing is called yet; see `v2m_daemon.client.connect`."""
        self._link = Link(locate, patience_s)
        self._patience_s = patience_s

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; jobs go on."""
        self._link.close()

    def submit(self, spec: JobSpec) -> JobView:
        """Hand a job over; when this returns it is on the daemon's disk and will be done.

        Raises:
            BusyError: the queue is full; `retry_after_s` says when to come back.
            ConflictError: the spec's `request_id` was used for something else.
            FieldError, InputError, PathRefusedError: it cannot be done as it was asked for.
        """
        is_new = not spec.request_id
        if is_new:  # so that a call that is tried again makes no second job
            spec = replace(spec, request_id=str(uuid.uuid4()))
        method, request = request_of(spec)
        return views.job_view(self._link.call(method, request, is_new=is_new).job)

    def get(self, job_id: str) -> JobView:
        """How a job stands.

        Raises:
            UnknownJobError: there is no such job.
        """
        return views.job_view(self._link.call("GetJob", pb.GetJobRequest(job_id=job_id)).job)

    def list(self, *, states: Collection[JobState] = (), client: str = "") -> Iterator[JobView]:
        """Jobs, newest first, without their results; asked for page by page as they are taken.

        Args:
            states: only jobs in one of these; empty: in any.
            client: only jobs of this client; empty: of any.
        """
        numbers = [pb.JobState.Value(f"JOB_STATE_{state.name}") for state in states]
        request = pb.ListJobsRequest(page_size=PAGE_SIZE, states=numbers, client=client)
        while True:
            page = self._link.call("ListJobs", request)
            yield from map(views.job_view, page.jobs)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def cancel(self, job_id: str) -> JobView:
        """Ask a job to stop; what is final stays as it is.

        Raises:
            UnknownJobError: there is no such job.
        """
        return views.job_view(self._link.call("CancelJob", pb.CancelJobRequest(job_id=job_id)).job)

    def watch(self, job_id: str, *, patience_s: float = WATCH_PATIENCE_S) -> Iterator[JobView]:
        """A job now and whenever it changes; the last view is final, fractions never fall.

        A connection that is lost, or a daemon that is started again, is found again.

        Raises:
            UnknownJobError: there is no such job.
            UnreachableError: no daemon answered for `patience_s`.
        """
        last = self.get(job_id)  # where no daemon is at all, that is said now
        yield last
        patience = Patience(patience_s)
        while not last.state.is_final:
            error: V2MError = UnreachableError("The daemon ended the watch.", hint="Try again.")
            try:
                for view in self._slice(job_id):
                    patience.renew()
                    if not view.state.is_final:
                        view = replace(view, fraction=max(view.fraction, last.fraction))
                    if view != last:
                        yield view
                    last = view
                    if view.state.is_final:
                        return
            except V2MError as lost:
                error = lost
            self._link.wait_after(error, patience)

    def _slice(self, job_id: str) -> Iterator[JobView]:
        request = pb.WatchJobRequest(job_id=job_id)
        for answer in self._link.stream("WatchJob", request, deadline_s=WATCH_SLICE_S):
            yield views.job_view(answer.job)

    def wait(self, job_id: str, *, patience_s: float = WATCH_PATIENCE_S) -> JobView:
        """The job once it is done.

        Raises:
            CancelledError: it was cancelled.
            V2MError: it failed, with the error that it failed with.
        """
        (view,) = deque(self.watch(job_id, patience_s=patience_s), maxlen=1)
        return done(view)

    def fetch(self, job_id: str, name: str, target: Path, *, overwrite: bool = False) -> None:
        """Take a file that a job made from the daemon's machine; whole, or not at all.

        Args:
            job_id: a done job.
            name: one of its `outputs`.
            target: the file to write.
            overwrite: whether one that is there is replaced.

        Raises:
            UnknownJobError: no such job, or it made no such file.
            OutputExistsError, OutputWriteError: it cannot be put there.
            DataLossError: it did not arrive as it was sent.
        """
        transfer.download(self._link, job_id, name, target, self._patience_s, overwrite=overwrite)

    def upload(
        self, path: Path, *, name: str = "", collection: str = "", report: transfer.Report = transfer.ignore
    ) -> str:
        """Send a file to the daemon's machine; one that is there already is not sent again.

        Args:
            path: the file.
            name: what it is called there; empty: as here.
            collection: files of one collection lie in one folder there; empty: one for this content alone.
            report: called with the fraction that was sent.

        Returns:
            Its path there, for the paths of a spec.

        Raises:
            InputError: it cannot be read.
            ConflictError: the collection has another file of this name.
            FieldError: name or collection cannot be used there.
        """
        return transfer.upload(self._link, path, name or path.name, collection, self._patience_s, report)

    def backbones(self) -> tuple[Backbone, ...]:
        """What can compose there, the usual one first."""
        answer = self._link.call("ListBackbones", pb.ListBackbonesRequest())
        return tuple(map(views.backbone, answer.backbones))

    def server_info(self) -> ServerInfo:
        """Version, device, memory and load of the daemon."""
        return views.server_info(self._link.call("GetServerInfo", pb.GetServerInfoRequest()))


def done(view: JobView) -> JobView:
    """A final view, if the job was done.

    Raises:
        CancelledError: it was cancelled.
        V2MError: it failed, with the error that it failed with.
    """
    if view.state is JobState.CANCELLED:
        raise CancelledError(f"The job {view.id} was cancelled.")
    if view.error is not None:
        raise view.error.as_error()
    return view
