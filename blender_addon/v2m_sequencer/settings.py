"""What the user sets: once for all in the preferences, and for each scene beside the sequencer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy

from .daemon import Daemon
from .strips import Api


class Preferences(bpy.types.AddonPreferences):
    """Where the daemon is."""

    bl_idname = __package__

    server: bpy.props.StringProperty(
        name="Daemon", description="HOST:PORT of a daemon on another machine; empty: the one of this machine"
    )
    token_file: bpy.props.StringProperty(
        name="Token File",
        subtype="FILE_PATH",
        description="A copy of that daemon's token; empty: this machine's",
    )
    certificate: bpy.props.StringProperty(
        name="Certificate",
        subtype="FILE_PATH",
        description="PEM of whom to trust there; empty: as the system",
    )
    home: bpy.props.StringProperty(
        name="V2M Home", subtype="DIR_PATH", description="Empty: V2M_HOME, else where V2M keeps its state"
    )
    packages: bpy.props.StringProperty(
        name="Python Packages",
        subtype="DIR_PATH",
        description="The site-packages in which V2M is installed, of Blender's Python version, for gRPC; "
        "empty: the daemon is asked through files where Blender's Python has no V2M",
    )
    music: bpy.props.StringProperty(
        name="Music", subtype="DIR_PATH", description="Where the music is kept; empty: beside the .blend"
    )
    markers: bpy.props.BoolProperty(
        name="Hit Markers", default=True, description="Show the music's hits as markers, to be nudged"
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """All of them, one below the other."""
        for name in ("server", "token_file", "certificate", "home", "packages", "music", "markers"):
            self.layout.prop(self, name)


class SceneSettings(bpy.types.PropertyGroup):
    """What music a scene is to have."""

    prompt: bpy.props.StringProperty(
        name="Prompt", description="Style, mood, instruments, tempo; empty: the pace of the cutting decides"
    )
    range: bpy.props.EnumProperty(
        name="Range",
        items=(
            ("STRIPS", "All Strips", "From the first picture to the end of the last"),
            ("SELECTED", "Selected Strips", "From the first selected strip to the end of the last"),
            ("SCENE", "Frame Range", "The scene's frame range, or its preview range while that is on"),
        ),
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        default=-1,
        min=-1,
        description="The same seed makes the same music; -1: another each time",
    )


def preferences() -> Api:
    """Those of this add-on."""
    return bpy.context.preferences.addons[__package__].preferences


def daemon() -> Daemon:
    """The daemon that the preferences name."""
    told = preferences()
    files = [bpy.path.abspath(each) if each else "" for each in (told.token_file, told.certificate)]
    home = Path(bpy.path.abspath(told.home)) if told.home else user_home()
    packages = bpy.path.abspath(told.packages) if told.packages else ""
    return Daemon(home.absolute(), told.server.strip(), *files, packages)


def music_folder() -> Path:
    """Where the music of this file is kept."""
    told = preferences().music
    if told:
        return Path(bpy.path.abspath(told)).absolute()
    if bpy.data.filepath:
        return Path(bpy.data.filepath).absolute().parent / "V2M"
    return user_home() / "data" / "blender"


def user_home() -> Path:
    """Where the daemon keeps its state: V2M_HOME, else where the platform puts it."""
    if root := os.environ.get("V2M_HOME"):
        return Path(root).absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "v2m"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/v2m"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "v2m"
