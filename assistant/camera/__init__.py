"""Give frames: from devices, streams, clips, pictures and the demo scene."""
