"""V2M in DaVinci Resolve from Python: for Studio, with or without its window (`resolve -nogui`).

    python resolve_scripts/v2m_resolve score --prompt "cinematic"   the current timeline, or its marked range
    python resolve_scripts/v2m_resolve retime                       by moved hit markers, else by the new edit
    python resolve_scripts/v2m_resolve restyle --prompt "lo-fi" --lock rhythm
    python resolve_scripts/v2m_resolve takes                        the take before; round and round

Needs nothing but Python: where V2M's own client is installed the daemon is asked over gRPC, else through its
job directory. It does what the Lua entries of the menu do, shares their takes and follows their conventions:
`recordFrame` and `GetStart` are absolute, markers and marks count from the timeline's first frame, the end of
an append is exclusive, a mark out is the last frame inside. The project is never saved: without a window that
waits for ever on an untitled one.
"""
