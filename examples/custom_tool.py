"""A tool of one's own: every timeline of a folder is scored by the running daemon, and what came is listed.

    v2m serve &
    python examples/custom_tool.py EDITS "warm lo-fi with Rhodes" fcp7

What is submitted is done once, though this program or the daemon may die in between. A game tool or an
editor's plug-in does the same: it hands jobs over, follows them, and finds their files where the answer says.
"""

import sys
from functools import partial
from pathlib import Path

from v2m_daemon.client import JobKind, JobSpec, connect

from v2m.errors import V2MError


def main(folder: str, prompt: str, form: str = "otio") -> int:
    """Score all; 1 if any could not be."""
    films = sorted(path.absolute() for path in Path(folder).iterdir() if path.suffix in (".otio", ".edl"))
    wish = partial(JobSpec, kind=JobKind.SCORE, in_place=True, prompt=prompt, to=form)
    failed = 0
    with connect() as daemon:
        jobs = [daemon.submit(wish(document=str(film))) for film in films]
        for film, job in zip(films, jobs, strict=True):
            try:
                for view in daemon.watch(job.id):
                    print(film.name, view.state, view.stage, f"{view.fraction:.0%}", file=sys.stderr)
                print(film.name, *daemon.wait(job.id).outputs.values())
            except V2MError as error:
                failed = 1
                print(film.name, error.sentence(), file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
