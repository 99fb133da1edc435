"""The calls of `scoring.proto`, each a few lines between the wire and the desk."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import timestamp_pb2

from v2m import __version__
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m.rpc.v1 import scoring_pb2_grpc
from v2m_daemon.confine import Confinement
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.jobs.view import JobState, JobView
from v2m_daemon.server.answers import artifact_path, job_message, states_of
from v2m_daemon.server.artifacts import send_file
from v2m_daemon.server.guard import Context, answered, collected, streamed
from v2m_daemon.server.looks import Looks
from v2m_daemon.server.requests import Here, analyze_spec, restyle_spec, retime_spec, score_spec
from v2m_daemon.server.uploads import Uploads

API_MINOR: Final = 0
"""Grows by one with each addition to the wire contract."""

SERVICE: Final = pb.DESCRIPTOR.services_by_name["ScoringService"].full_name
USUAL_PAGE: Final = 100


@dataclass(frozen=True)
class About:
    """What a daemon tells of itself."""

    started_ms: int
    executor: str
    """As in the configuration."""


async def _message(view: JobView) -> pb.Job:
    """A job with its artifacts, for which a disk is looked at that may be slow."""
    if view.state is JobState.DONE:
        return await asyncio.to_thread(job_message, view)
    return job_message(view)


class ScoringService(scoring_pb2_grpc.ScoringServiceServicer):
    """The servicer: checks what a job may touch, then hands it to the desk."""

    def __init__(
        self, desk: Desk, confinement: Confinement, uploads: Uploads, about: About, answer_within_s: float
    ) -> None:
        """All parts live longer than the service."""
        self.answer_within_s = answer_within_s
        self.about = about
        self._desk, self._confinement, self._uploads = desk, confinement, uploads
        self._looks = Looks(confinement.check)

    async def _submit(self, spec_of: Callable[[Any, Here], JobSpec], request: Any) -> pb.Job:  # noqa: ANN401
        spec = spec_of(request, self._confinement.here)
        return job_message(await self._desk.submit(spec, check=self._looks.at), with_results=False)

    @answered
    async def Score(self, request: pb.ScoreRequest, context: Context) -> pb.ScoreResponse:
        """See the contract."""
        return pb.ScoreResponse(job=await self._submit(score_spec, request))

    @answered
    async def Retime(self, request: pb.RetimeRequest, context: Context) -> pb.RetimeResponse:
        """See the contract."""
        return pb.RetimeResponse(job=await self._submit(retime_spec, request))

    @answered
    async def Restyle(self, request: pb.RestyleRequest, context: Context) -> pb.RestyleResponse:
        """See the contract."""
        return pb.RestyleResponse(job=await self._submit(restyle_spec, request))

    @answered
    async def Analyze(self, request: pb.AnalyzeRequest, context: Context) -> pb.AnalyzeResponse:
        """See the contract."""
        return pb.AnalyzeResponse(job=await self._submit(analyze_spec, request))

    @answered
    async def GetJob(self, request: pb.GetJobRequest, context: Context) -> pb.GetJobResponse:
        """See the contract."""
        view = await self._desk.get(request.job_id)
        return pb.GetJobResponse(job=await _message(view))

    @answered
    async def ListJobs(self, request: pb.ListJobsRequest, context: Context) -> pb.ListJobsResponse:
        """See the contract."""
        page = await self._desk.list(
            states=states_of(iter(request.states)),
            client=request.client,
            page_size=request.page_size or USUAL_PAGE,
            page_token=request.page_token,
        )
        jobs = [job_message(view, with_results=False) for view in page.jobs]
        return pb.ListJobsResponse(jobs=jobs, next_page_token=page.next_page_token)

    @streamed
    async def WatchJob(
        self, request: pb.WatchJobRequest, context: Context
    ) -> AsyncIterator[pb.WatchJobResponse]:
        """See the contract."""
        async for view in self._desk.watch(request.job_id):
            yield pb.WatchJobResponse(job=await _message(view))

    @answered
    async def CancelJob(self, request: pb.CancelJobRequest, context: Context) -> pb.CancelJobResponse:
        """See the contract."""
        view = await self._desk.cancel(request.job_id)
        return pb.CancelJobResponse(job=await _message(view))

    @streamed
    async def GetArtifact(
        self, request: pb.GetArtifactRequest, context: Context
    ) -> AsyncIterator[pb.GetArtifactResponse]:
        """See the contract."""
        view = await self._desk.get(request.job_id)
        path = await asyncio.to_thread(artifact_path, view, request.name)
        async for part in send_file(path, request.offset_bytes):
            yield part

    @collected
    async def PutMedia(
        self, requests: AsyncIterator[pb.PutMediaRequest], context: Context
    ) -> pb.PutMediaResponse:
        """See the contract."""
        return await self._uploads.put(requests)

    @answered
    async def ListBackbones(
        self, request: pb.ListBackbonesRequest, context: Context
    ) -> pb.ListBackbonesResponse:
        """See the contract."""
        health = await self._desk.health()
        backbones = (
            pb.Backbone(name=one.name, description=one.description, is_ready=one.is_ready, hint=one.hint)
            for one in health.backbones
        )
        return pb.ListBackbonesResponse(backbones=backbones)

    @answered
    async def GetServerInfo(
        self, request: pb.GetServerInfoRequest, context: Context
    ) -> pb.GetServerInfoResponse:
        """See the contract."""
        health = await self._desk.health()
        started = timestamp_pb2.Timestamp()
        started.FromMilliseconds(self.about.started_ms)
        return pb.GetServerInfoResponse(
            version=__version__,
            api_minor=API_MINOR,
            device=health.device,
            free_memory_bytes=health.free_bytes or 0,
            total_memory_bytes=health.total_bytes or 0,
            queued=self._desk.queued,
            queue_limit=self._desk.queue_limit,
            running=self._desk.running,
            start_time=started,
            pid=os.getpid(),
            executor=self.about.executor,
            roots=self._confinement.roots,
        )
