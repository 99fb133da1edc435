"""What flags of the command line mean to a daemon: which one is called, and what it is asked for."""

from __future__ import annotations

import argparse
import os

from v2m.errors import UsageError
from v2m_daemon.client import Client, connect
from v2m_daemon.jobs.spec import JobKind, JobSpec

CLIENT = "cli"
"""Who asks, where nobody else is named."""


def client_of(arguments: argparse.Namespace) -> Client:
    """The daemon that `--server` names, else this user's own; it is called by the first call.

    Raises:
        UsageError: `--token-file` or `--certificate` is given without `--server`.
    """
    if not arguments.server and (arguments.token_file or arguments.certificate):
        raise UsageError("--token-file and --certificate are for a daemon elsewhere.", hint="Add --server.")
    return connect(arguments.server, token_file=arguments.token_file, certificate=arguments.certificate)


def spec_of(arguments: argparse.Namespace) -> JobSpec:
    """The job that the flags of `v2m score` or `v2m submit` ask for, with paths as this machine has them.

    Raises:
        FieldError: a value makes no sense.
    """
    return JobSpec(
        kind=JobKind.SCORE,
        document=os.path.abspath(arguments.timeline),
        out_dir=_absolute(arguments.out),
        in_place=arguments.out is None,
        overwrite=arguments.overwrite,
        to=arguments.to,
        client=getattr(arguments, "client", CLIENT),
        priority=getattr(arguments, "priority", 0),
        request_id=getattr(arguments, "request_id", ""),
        picture=_absolute(arguments.picture),
        encoder=arguments.encoder,
        in_point=arguments.in_point,
        out_point=arguments.out_point,
        frame_rate=arguments.frame_rate,
        path_map=tuple((there, os.path.abspath(here)) for there, here in arguments.path_map),
        tempo_bpm=arguments.tempo,
        tempo_freedom=arguments.tempo_freedom,
        prompt=arguments.prompt,
        backbone=arguments.backbone,
        takes=arguments.takes,
        seed=arguments.seed,
        adherence=arguments.adherence,
        steps=arguments.steps,
        loudness_lufs=arguments.loudness,
        soundfont=_absolute(arguments.soundfont),
        adapter=_absolute(arguments.adapter),
        lora_strength=arguments.lora_strength,
    )


def _absolute(path: str | None) -> str | None:
    return os.path.abspath(path) if path else None
