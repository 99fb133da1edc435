"""V2M in Blender's Video Sequencer: score a range of strips, and retime the music by its hit markers.

Blender 4.2 and later: build the extension by `blender --command extension build`, with `--source-dir
blender_addon/v2m_sequencer`; install it under Preferences > Get Extensions > Install from Disk; start
`v2m serve`; open the tab V2M beside the sequencer. By scripts, and without a window:

    bpy.context.scene.v2m.prompt = "cinematic, hopeful"
    bpy.ops.v2m.score()
    bpy.ops.v2m.retime()        # once hit markers were moved, or strips cut anew

    strips -> shots -> document -> daemon (gRPC, else job directory) -> music on a channel, markers on hits

Where V2M's own client can be imported the daemon is asked over gRPC, as any other editor would; else, by
Python alone, through the daemon's job directory.

Conventions: frames are Blender's, counted from wherever the user has them begin; an end is the frame after
the last; `first` is the frame on which a document or its music begins. Only `addon`, `operators`, `settings`
and `panel` import bpy, which is touched in Blender's main thread alone.
"""


def register() -> None:
    """Called by Blender when the add-on is switched on."""
    from . import addon

    addon.register()


def unregister() -> None:
    """Called by Blender when it is switched off."""
    from . import addon

    addon.unregister()
