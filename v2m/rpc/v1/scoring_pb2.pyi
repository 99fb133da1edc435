from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Lock(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOCK_UNSPECIFIED: _ClassVar[Lock]
    LOCK_RHYTHM: _ClassVar[Lock]

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_QUEUED: _ClassVar[JobState]
    JOB_STATE_WAITING_MEDIA: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_DONE: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]

class JobKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_KIND_UNSPECIFIED: _ClassVar[JobKind]
    JOB_KIND_SCORE: _ClassVar[JobKind]
    JOB_KIND_ANALYZE: _ClassVar[JobKind]
    JOB_KIND_RETIME: _ClassVar[JobKind]
    JOB_KIND_RESTYLE: _ClassVar[JobKind]
LOCK_UNSPECIFIED: Lock
LOCK_RHYTHM: Lock
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_QUEUED: JobState
JOB_STATE_WAITING_MEDIA: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_DONE: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_CANCELLED: JobState
JOB_KIND_UNSPECIFIED: JobKind
JOB_KIND_SCORE: JobKind
JOB_KIND_ANALYZE: JobKind
JOB_KIND_RETIME: JobKind
JOB_KIND_RESTYLE: JobKind

class Rational(_message.Message):
    __slots__ = ("numerator", "denominator")
    NUMERATOR_FIELD_NUMBER: _ClassVar[int]
    DENOMINATOR_FIELD_NUMBER: _ClassVar[int]
    numerator: int
    denominator: int
    def __init__(self, numerator: _Optional[int] = ..., denominator: _Optional[int] = ...) -> None: ...

class TimePoint(_message.Message):
    __slots__ = ("seconds", "frame", "timecode")
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    TIMECODE_FIELD_NUMBER: _ClassVar[int]
    seconds: Rational
    frame: int
    timecode: str
    def __init__(self, seconds: _Optional[_Union[Rational, _Mapping]] = ..., frame: _Optional[int] = ..., timecode: _Optional[str] = ...) -> None: ...

class Submission(_message.Message):
    __slots__ = ("request_id", "client", "priority")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    client: str
    priority: int
    def __init__(self, request_id: _Optional[str] = ..., client: _Optional[str] = ..., priority: _Optional[int] = ...) -> None: ...

class PathMapping(_message.Message):
    __slots__ = ("in_document", "on_daemon")
    IN_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    ON_DAEMON_FIELD_NUMBER: _ClassVar[int]
    in_document: str
    on_daemon: str
    def __init__(self, in_document: _Optional[str] = ..., on_daemon: _Optional[str] = ...) -> None: ...

class Reading(_message.Message):
    __slots__ = ("picture", "encoder", "in_point", "out_point", "path_map", "tempo_bpm", "tempo_freedom", "frame_rate")
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    IN_POINT_FIELD_NUMBER: _ClassVar[int]
    OUT_POINT_FIELD_NUMBER: _ClassVar[int]
    PATH_MAP_FIELD_NUMBER: _ClassVar[int]
    TEMPO_BPM_FIELD_NUMBER: _ClassVar[int]
    TEMPO_FREEDOM_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_FIELD_NUMBER: _ClassVar[int]
    picture: str
    encoder: str
    in_point: TimePoint
    out_point: TimePoint
    path_map: _containers.RepeatedCompositeFieldContainer[PathMapping]
    tempo_bpm: float
    tempo_freedom: float
    frame_rate: str
    def __init__(self, picture: _Optional[str] = ..., encoder: _Optional[str] = ..., in_point: _Optional[_Union[TimePoint, _Mapping]] = ..., out_point: _Optional[_Union[TimePoint, _Mapping]] = ..., path_map: _Optional[_Iterable[_Union[PathMapping, _Mapping]]] = ..., tempo_bpm: _Optional[float] = ..., tempo_freedom: _Optional[float] = ..., frame_rate: _Optional[str] = ...) -> None: ...

class Destination(_message.Message):
    __slots__ = ("out_dir", "beside_document", "overwrite", "format")
    OUT_DIR_FIELD_NUMBER: _ClassVar[int]
    BESIDE_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    OVERWRITE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    out_dir: str
    beside_document: bool
    overwrite: bool
    format: str
    def __init__(self, out_dir: _Optional[str] = ..., beside_document: bool = ..., overwrite: bool = ..., format: _Optional[str] = ...) -> None: ...

class Composing(_message.Message):
    __slots__ = ("prompt", "backbone", "takes", "seed", "adherence", "steps", "loudness_lufs", "soundfont", "adapter", "lora_strength")
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_FIELD_NUMBER: _ClassVar[int]
    TAKES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ADHERENCE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    LOUDNESS_LUFS_FIELD_NUMBER: _ClassVar[int]
    SOUNDFONT_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    LORA_STRENGTH_FIELD_NUMBER: _ClassVar[int]
    prompt: str
    backbone: str
    takes: int
    seed: int
    adherence: float
    steps: int
    loudness_lufs: float
    soundfont: str
    adapter: str
    lora_strength: float
    def __init__(self, prompt: _Optional[str] = ..., backbone: _Optional[str] = ..., takes: _Optional[int] = ..., seed: _Optional[int] = ..., adherence: _Optional[float] = ..., steps: _Optional[int] = ..., loudness_lufs: _Optional[float] = ..., soundfont: _Optional[str] = ..., adapter: _Optional[str] = ..., lora_strength: _Optional[float] = ...) -> None: ...

class ScoreRequest(_message.Message):
    __slots__ = ("submission", "document", "reading", "composing", "destination")
    SUBMISSION_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    READING_FIELD_NUMBER: _ClassVar[int]
    COMPOSING_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    submission: Submission
    document: str
    reading: Reading
    composing: Composing
    destination: Destination
    def __init__(self, submission: _Optional[_Union[Submission, _Mapping]] = ..., document: _Optional[str] = ..., reading: _Optional[_Union[Reading, _Mapping]] = ..., composing: _Optional[_Union[Composing, _Mapping]] = ..., destination: _Optional[_Union[Destination, _Mapping]] = ...) -> None: ...

class ScoreResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class Nudge(_message.Message):
    __slots__ = ("old", "new")
    OLD_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    old: TimePoint
    new: TimePoint
    def __init__(self, old: _Optional[_Union[TimePoint, _Mapping]] = ..., new: _Optional[_Union[TimePoint, _Mapping]] = ...) -> None: ...

class RetimeRequest(_message.Message):
    __slots__ = ("submission", "take", "document", "nudges", "destination", "max_bend")
    SUBMISSION_FIELD_NUMBER: _ClassVar[int]
    TAKE_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    NUDGES_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    MAX_BEND_FIELD_NUMBER: _ClassVar[int]
    submission: Submission
    take: str
    document: str
    nudges: _containers.RepeatedCompositeFieldContainer[Nudge]
    destination: Destination
    max_bend: float
    def __init__(self, submission: _Optional[_Union[Submission, _Mapping]] = ..., take: _Optional[str] = ..., document: _Optional[str] = ..., nudges: _Optional[_Iterable[_Union[Nudge, _Mapping]]] = ..., destination: _Optional[_Union[Destination, _Mapping]] = ..., max_bend: _Optional[float] = ...) -> None: ...

class RetimeResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class Span(_message.Message):
    __slots__ = ("begin", "end")
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    begin: TimePoint
    end: TimePoint
    def __init__(self, begin: _Optional[_Union[TimePoint, _Mapping]] = ..., end: _Optional[_Union[TimePoint, _Mapping]] = ...) -> None: ...

class Intensity(_message.Message):
    __slots__ = ("hit", "span", "amount")
    HIT_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    hit: str
    span: Span
    amount: float
    def __init__(self, hit: _Optional[str] = ..., span: _Optional[_Union[Span, _Mapping]] = ..., amount: _Optional[float] = ...) -> None: ...

class RestyleRequest(_message.Message):
    __slots__ = ("submission", "take", "prompt", "lock", "seed", "destination", "locked_parts", "only", "mute", "solo", "intensity", "range")
    SUBMISSION_FIELD_NUMBER: _ClassVar[int]
    TAKE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    LOCK_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    LOCKED_PARTS_FIELD_NUMBER: _ClassVar[int]
    ONLY_FIELD_NUMBER: _ClassVar[int]
    MUTE_FIELD_NUMBER: _ClassVar[int]
    SOLO_FIELD_NUMBER: _ClassVar[int]
    INTENSITY_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    submission: Submission
    take: str
    prompt: str
    lock: Lock
    seed: int
    destination: Destination
    locked_parts: _containers.RepeatedScalarFieldContainer[str]
    only: _containers.RepeatedScalarFieldContainer[str]
    mute: _containers.RepeatedScalarFieldContainer[str]
    solo: _containers.RepeatedScalarFieldContainer[str]
    intensity: _containers.RepeatedCompositeFieldContainer[Intensity]
    range: Span
    def __init__(self, submission: _Optional[_Union[Submission, _Mapping]] = ..., take: _Optional[str] = ..., prompt: _Optional[str] = ..., lock: _Optional[_Union[Lock, str]] = ..., seed: _Optional[int] = ..., destination: _Optional[_Union[Destination, _Mapping]] = ..., locked_parts: _Optional[_Iterable[str]] = ..., only: _Optional[_Iterable[str]] = ..., mute: _Optional[_Iterable[str]] = ..., solo: _Optional[_Iterable[str]] = ..., intensity: _Optional[_Iterable[_Union[Intensity, _Mapping]]] = ..., range: _Optional[_Union[Span, _Mapping]] = ...) -> None: ...

class RestyleResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class AnalyzeRequest(_message.Message):
    __slots__ = ("submission", "document", "reading")
    SUBMISSION_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    READING_FIELD_NUMBER: _ClassVar[int]
    submission: Submission
    document: str
    reading: Reading
    def __init__(self, submission: _Optional[_Union[Submission, _Mapping]] = ..., document: _Optional[str] = ..., reading: _Optional[_Union[Reading, _Mapping]] = ...) -> None: ...

class AnalyzeResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class JobError(_message.Message):
    __slots__ = ("code", "message", "detail", "hint")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    detail: str
    hint: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., detail: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...

class Artifact(_message.Message):
    __slots__ = ("name", "path", "size_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    path: str
    size_bytes: int
    def __init__(self, name: _Optional[str] = ..., path: _Optional[str] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "kind", "state", "stage", "fraction", "eta", "message", "create_time", "start_time", "finish_time", "attempts", "client", "priority", "document", "out_dir", "artifacts", "result_json", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    ETA_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    OUT_DIR_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    RESULT_JSON_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: JobKind
    state: JobState
    stage: str
    fraction: float
    eta: _duration_pb2.Duration
    message: str
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    attempts: int
    client: str
    priority: int
    document: str
    out_dir: str
    artifacts: _containers.RepeatedCompositeFieldContainer[Artifact]
    result_json: str
    error: JobError
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[_Union[JobKind, str]] = ..., state: _Optional[_Union[JobState, str]] = ..., stage: _Optional[str] = ..., fraction: _Optional[float] = ..., eta: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., message: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., attempts: _Optional[int] = ..., client: _Optional[str] = ..., priority: _Optional[int] = ..., document: _Optional[str] = ..., out_dir: _Optional[str] = ..., artifacts: _Optional[_Iterable[_Union[Artifact, _Mapping]]] = ..., result_json: _Optional[str] = ..., error: _Optional[_Union[JobError, _Mapping]] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class GetJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "states", "client")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[JobState]
    client: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[JobState, str]]] = ..., client: _Optional[str] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class WatchJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class CancelJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class GetArtifactRequest(_message.Message):
    __slots__ = ("job_id", "name", "offset_bytes")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BYTES_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    name: str
    offset_bytes: int
    def __init__(self, job_id: _Optional[str] = ..., name: _Optional[str] = ..., offset_bytes: _Optional[int] = ...) -> None: ...

class GetArtifactResponse(_message.Message):
    __slots__ = ("header", "chunk", "trailer")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    header: ArtifactHeader
    chunk: bytes
    trailer: ArtifactTrailer
    def __init__(self, header: _Optional[_Union[ArtifactHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ..., trailer: _Optional[_Union[ArtifactTrailer, _Mapping]] = ...) -> None: ...

class ArtifactHeader(_message.Message):
    __slots__ = ("size_bytes",)
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    size_bytes: int
    def __init__(self, size_bytes: _Optional[int] = ...) -> None: ...

class ArtifactTrailer(_message.Message):
    __slots__ = ("sha256",)
    SHA256_FIELD_NUMBER: _ClassVar[int]
    sha256: bytes
    def __init__(self, sha256: _Optional[bytes] = ...) -> None: ...

class PutMediaRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: MediaHeader
    chunk: bytes
    def __init__(self, header: _Optional[_Union[MediaHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class MediaHeader(_message.Message):
    __slots__ = ("name", "collection", "size_bytes", "sha256")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    name: str
    collection: str
    size_bytes: int
    sha256: bytes
    def __init__(self, name: _Optional[str] = ..., collection: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class PutMediaResponse(_message.Message):
    __slots__ = ("path", "sha256", "size_bytes")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    path: str
    sha256: bytes
    size_bytes: int
    def __init__(self, path: _Optional[str] = ..., sha256: _Optional[bytes] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class ListBackbonesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListBackbonesResponse(_message.Message):
    __slots__ = ("backbones",)
    BACKBONES_FIELD_NUMBER: _ClassVar[int]
    backbones: _containers.RepeatedCompositeFieldContainer[Backbone]
    def __init__(self, backbones: _Optional[_Iterable[_Union[Backbone, _Mapping]]] = ...) -> None: ...

class Backbone(_message.Message):
    __slots__ = ("name", "description", "is_ready", "hint")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    IS_READY_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    is_ready: bool
    hint: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., is_ready: bool = ..., hint: _Optional[str] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "api_minor", "device", "free_memory_bytes", "total_memory_bytes", "queued", "queue_limit", "running", "start_time", "pid", "executor", "roots")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    API_MINOR_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    FREE_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    QUEUE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    EXECUTOR_FIELD_NUMBER: _ClassVar[int]
    ROOTS_FIELD_NUMBER: _ClassVar[int]
    version: str
    api_minor: int
    device: str
    free_memory_bytes: int
    total_memory_bytes: int
    queued: int
    queue_limit: int
    running: int
    start_time: _timestamp_pb2.Timestamp
    pid: int
    executor: str
    roots: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, version: _Optional[str] = ..., api_minor: _Optional[int] = ..., device: _Optional[str] = ..., free_memory_bytes: _Optional[int] = ..., total_memory_bytes: _Optional[int] = ..., queued: _Optional[int] = ..., queue_limit: _Optional[int] = ..., running: _Optional[int] = ..., start_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., pid: _Optional[int] = ..., executor: _Optional[str] = ..., roots: _Optional[_Iterable[str]] = ...) -> None: ...
