"""The stages: each reads and writes WAV and JSON in its own folder of the job."""
