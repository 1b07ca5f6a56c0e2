# Everything a developer runs. `make demo` and `make test` work on a fresh clone.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
CONSTRAINTS ?= configs/constraints-cpu.txt
WORKERS ?= 2

.PHONY: demo test check bench clean

$(READY): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) torch
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable '.[dev,denoise]'
	touch $@

# A two-speaker conversation over music, spoken by the starter set; one of the two gets another voice.
demo: $(READY)
	$(BIN)/hyperaudio models pull starter
	$(BIN)/hyperaudio demo demo
	$(BIN)/hyperaudio replace demo/conversation.wav --speaker demo/guest.wav --voice demo/reference.wav \
		--output demo/conversation.replaced.wav --force
	@echo "Listen: demo/conversation.wav (before), demo/conversation.replaced.wav (after)."
	@echo "Look:   demo/conversation.hyperaudio (the job folder), its verify/quality.json (the table above)."

test: $(READY)
	$(BIN)/hyperaudio models pull starter
	HYPERAUDIO_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup

check: $(READY)
	$(BIN)/ruff check hyperaudio tests
	$(BIN)/ruff format --check hyperaudio tests
	$(BIN)/mypy

# Figures against the truth of the podcasts in $HYPERAUDIO_DATA; see tests/bench.
bench: $(READY)
	$(BIN)/hyperaudio models pull starter
	$(BIN)/python -m tests.bench

clean:
	rm -rf $(VENV) demo .cache build dist
