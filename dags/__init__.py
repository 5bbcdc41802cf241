"""When things run. Wiring only: what is done lives in `ingest`, what is right lives in `expectations`."""
