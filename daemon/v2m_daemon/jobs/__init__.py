"""Jobs: what was asked, where it stands, who is next; nothing in here imports grpc, torch, av or OTIO."""
