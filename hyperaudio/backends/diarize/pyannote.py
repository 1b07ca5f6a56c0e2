"""Diarization on pyannote's segmentation-3.0 and WeSpeaker embeddings, with a clustering in two passes.

pyannote.audio (Bredin, "pyannote.audio 2.1 speaker diarization pipeline", Interspeech 2023; Plaquet and Bredin,
"Powerset multi-class cross entropy loss for neural speaker diarization", Interspeech 2023) finds boundaries and
overlaps well: its segmentation of sliding windows, its count of simultaneous speakers and its reconstruction are
used as they are. Its clustering is not, for thresholds tuned on one embedding and long files do not carry over.
Instead:

1. every local speaker of every window gets an embedding of its unoverlapped speech; those of 1 s or more are linked
   (average linkage); clusters with hardly any speech are dropped; each local speaker goes to the nearest centroid;
2. the segmentation may take two similar voices in a window for one. So what one person speaks without a pause is cut
   into pieces of some 2 s, each is embedded on its own, and goes to the nearest centroid, which are then made anew.
"""

from __future__ import annotations

import os
import warnings
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from hyperaudio.backends import clustering, torchaudio_cpu
from hyperaudio.backends.embedding import RATE, SILENCE, unit
from hyperaudio.backends.torch_runtime import mapped
from hyperaudio.errors import BackendError
from hyperaudio.models import store
from hyperaudio.settings import Runtime, Section
from hyperaudio.timeline import Segment

if TYPE_CHECKING:
    from pyannote.audio import Inference
    from pyannote.core import SlidingWindowFeature

    from hyperaudio.backend import Diarization, Samples, SpeakerBounds
    from hyperaudio.backends.embed.wespeaker import WeSpeaker
    from hyperaudio.events import Progress

REVISION = 1
RANK = 20
PACKAGES = ("pyannote.audio", "onnxruntime", "scipy", "torch", "torchaudio")
WEIGHTS = ("pyannote-segmentation-3.0", "wespeaker-resnet34")

ALONE = 0.5
"""Seconds of unoverlapped speech from which overlapped speech is left out of an embedding."""
FAINTEST = 0.2
"""Seconds; a local speaker who says less gets no embedding and no say."""
LINKED = 1.0
"""Seconds of unoverlapped speech that an embedding needs to take part in the clustering."""
TRUSTED = 1.5
"""Seconds from which a local speaker's vote counts in full."""
UNKNOWN = 0.5
"""Confidence of a segment that holds no piece long enough to tell the voice."""

Mask = npt.NDArray[np.bool_]


class Settings(Section):
    step: float = Field(2.5, gt=0, le=10)
    """Seconds between the 10 s windows that are segmented; shorter is slower."""
    min_duration_off: float = Field(0.5, ge=0)
    """Seconds; shorter pauses of a speaker are closed."""
    min_duration_on: float = Field(0.1, ge=0)
    """Seconds; shorter segments are left out."""
    similarity: float = Field(0.4, gt=0, lt=1)
    """Mean cosine down to which two clusters are one speaker (same person about 0.8, strangers about 0.05)."""
    least_speech: float = Field(1.0, ge=0)
    """Seconds of unoverlapped speech under which a cluster is no speaker of its own."""
    piece: float = Field(2.0, ge=1)
    """Longest piece in seconds that is given to a speaker as a whole in the second pass."""
    least_piece: float = Field(0.5, ge=0.2)
    """Seconds; shorter pieces keep their speaker of the first pass."""


def load(settings: Settings, runtime: Runtime) -> PyannoteDiarizer:
    """The diarizer, on the CPU: about 0.2x real time on one core.

    Raises:
        MissingError: weights are not there.
        BackendError: weights do not load.
    """
    from hyperaudio.backends.embed import wespeaker

    weights = store.path(WEIGHTS[0], runtime.models) / "pytorch_model.bin"
    with mapped("loading pyannote's segmentation"):
        segmenter = _segmenter(weights, settings.step, runtime.threads)
    return PyannoteDiarizer(settings, segmenter, wespeaker.load(wespeaker.Settings(), runtime))


def _segmenter(weights: Path, step: float, threads: int) -> Inference:
    """Pyannote's sliding-window inference on the network; its pickled checkpoint may hold no code to run."""
    # pyannote reads these at import: it reports usage over the network unless told not to
    os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    torchaudio_cpu.ensure()
    import torch

    torch.set_num_threads(threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torchcodec is not there, which only reading files needs
        from pyannote.audio import Inference
        from pyannote.audio.core.task import Problem, Resolution, Specifications
        from pyannote.audio.models.segmentation import PyanNet

    stored: list[Any] = [Specifications, Problem, Resolution, torch.torch_version.TorchVersion]
    with torch.serialization.safe_globals(stored):
        checkpoint = torch.load(weights, map_location="cpu", weights_only=True)
    network: Any = PyanNet(**checkpoint["hyper_parameters"])
    network.specifications = checkpoint["pyannote.audio"]["specifications"]
    network.build()
    network.load_state_dict(checkpoint["state_dict"], strict=True)
    return Inference(network.eval(), step=step, skip_aggregation=True, batch_size=8)


class PyannoteDiarizer:
    """Keeps the Diarizer protocol."""

    def __init__(self, settings: Settings, segmenter: Inference, embedder: WeSpeaker) -> None:
        self._settings, self._segmenter, self._embedder = settings, segmenter, embedder

    def diarize(self, speech: Samples, bounds: SpeakerBounds, progress: Progress) -> Diarization:
        """Segments of ``speech`` ``(frames,)`` at 16 kHz, in order, overlaps kept; labels ``SPEAKER_00`` ... in order
        of appearance. Nothing at all where nobody speaks for 0.2 s.

        A segment's confidence is how likely its voice is that speaker's (:func:`clustering.posterior`, mean over its
        pieces weighted by length), 0.5 where nothing of it is long enough or free of overlap. A label's embedding is
        the mean of that speaker's unoverlapped pieces.

        Raises:
            BackendError: the audio is not mono or not finite, or a network failed.
        """
        from hyperaudio.backend import Diarization

        if speech.ndim != 1 or not np.isfinite(speech).all():
            raise BackendError(f"cannot diarize audio of shape {speech.shape}", "give mono audio without NaN")
        speech = speech.astype(np.float32)
        if len(speech) < FAINTEST * RATE or np.abs(speech).max() < SILENCE:
            return Diarization((), {})
        with mapped("diarization"):
            windows = self._segment(speech, lambda done: progress(0.1 * done))
            embeddings = self._embed_windows(speech, windows, lambda done: progress(0.1 + 0.6 * done))
            known = np.abs(embeddings).sum(axis=2) > 0
            if not known.any():
                return Diarization((), {})
            centroids = self._cluster(windows, embeddings, known, bounds)
            labels = np.where(known, np.argmax(embeddings @ centroids.T, axis=2), -1)
            tracks = self._reconstruct(windows, labels, len(centroids))
            found = self._refine(speech, tracks, centroids, lambda done: progress(0.7 + 0.3 * done))
        progress(1.0)
        return found

    def _segment(self, speech: Samples, progress: Progress) -> SlidingWindowFeature:
        """Who of up to three local speakers is active: ``(windows, frames, 3)`` of 0 and 1."""
        import torch

        file = {"waveform": torch.from_numpy(speech)[None], "sample_rate": RATE}

        def hook(completed: int, total: int) -> None:
            progress(min(1.0, float(completed / total)))  # the last batch counts in full

        windows: Any = self._segmenter(file, hook=hook)
        return windows

    def _embed_windows(self, speech: Samples, windows: SlidingWindowFeature, progress: Progress) -> Samples:
        """Unit-norm embedding ``(windows, local speakers, dimensions)`` of each local speaker; zero where there is
        too little of it.
        """
        active = windows.data > 0.5
        alone = active & (active.sum(axis=2, keepdims=True) == 1)
        count, frames, local = active.shape
        seconds = windows.sliding_window.duration / frames
        chosen = np.where(alone.sum(axis=1, keepdims=True) * seconds >= ALONE, alone, active)
        size = round(windows.sliding_window.duration * RATE)
        embeddings = [np.zeros(0, np.float32)] * (count * local)
        for window, masks in enumerate(chosen):
            if any(wanted := masks.sum(axis=0) * seconds >= FAINTEST):
                start = round(windows.sliding_window[window].start * RATE)
                samples = speech[start : start + size]
                features = self._embedder.features(np.pad(samples, (0, size - len(samples))))
                nearest = np.arange(len(features)) * frames // len(features)
                for speaker in np.flatnonzero(wanted):
                    embeddings[window * local + speaker] = self._network(features[masks[nearest, speaker]])
            progress((window + 1) / count)
        dimensions = max(map(len, embeddings), default=0)
        filled = [row if len(row) else np.zeros(dimensions, np.float32) for row in embeddings]
        return np.stack(filled).reshape(count, local, dimensions)

    def _network(self, features: Samples) -> Samples:
        return unit(self._embedder.network(features - features.mean(axis=0, dtype=np.float32)))

    def _cluster(
        self, windows: SlidingWindowFeature, embeddings: Samples, known: Mask, bounds: SpeakerBounds
    ) -> Samples:
        """Centroids ``(speakers, dimensions)`` from the local speakers with the most unoverlapped speech."""
        alone, seconds = _alone_seconds(windows)
        linked = known & (alone >= LINKED)
        if not linked.any():
            linked = known & (alone == alone[known].max())
        return clustering.speakers(
            embeddings[linked],
            seconds[linked],
            similarity=self._settings.similarity,
            least_speech=self._settings.least_speech,
            bounds=bounds,
        )

    def _reconstruct(
        self, windows: SlidingWindowFeature, labels: npt.NDArray[np.intp], speakers: int
    ) -> SlidingWindowFeature:
        """Who is active, ``(frames, speakers)`` of 0 and 1: as many at a time as the windows count on average, those
        with the most votes. A window that hears more of a speaker has more of a say.
        """
        from pyannote.audio.pipelines.utils.diarization import SpeakerDiarizationMixin
        from pyannote.core import SlidingWindowFeature

        alone, _ = _alone_seconds(windows)
        votes = np.zeros((*windows.data.shape[:2], speakers), np.float32)
        for window, speaker in np.argwhere(labels >= 0):
            vote = windows.data[window, :, speaker] * min(1.0, 0.05 + alone[window, speaker] / TRUSTED)
            own = votes[window, :, labels[window, speaker]]
            np.maximum(own, vote, out=own)
        field = self._segmenter.model.receptive_field
        count = SpeakerDiarizationMixin.speaker_count(windows, field, warm_up=(0.0, 0.0))
        count.data = np.minimum(count.data, speakers).astype(np.int8)
        return SpeakerDiarizationMixin.to_diarization(SlidingWindowFeature(votes, windows.sliding_window), count)

    def _refine(
        self, speech: Samples, tracks: SlidingWindowFeature, centroids: Samples, progress: Progress
    ) -> Diarization:
        """The second pass over ``tracks`` ``(frames, speakers)``, which it changes, and the result."""
        from pyannote.audio.pipelines.utils.diarization import SpeakerDiarizationMixin

        from hyperaudio.backend import Diarization

        frames = tracks.sliding_window
        pieces = _pieces(tracks.data, self._settings.piece / frames.step, self._settings.least_piece / frames.step)
        times = [(frames[first].middle, frames[last].middle) for first, last in pieces]
        lengths = np.array([end - start for start, end in times])
        embedded = []
        for done, (start, end) in enumerate(times, start=1):
            samples = speech[round(start * RATE) : round(end * RATE)]
            embedded.append(self._network(self._embedder.features(samples)))
            progress(done / len(times))
        owners: clustering.Labels = np.zeros(0, np.intp)
        likely: clustering.Floats = np.zeros((0, len(centroids)))
        if embedded:
            embeddings = np.stack(embedded)
            owners, centroids = clustering.reassign(embeddings, lengths, centroids)
            for (first, last), label in zip(pieces, owners, strict=True):
                tracks.data[first:last] = np.arange(len(centroids)) == label
            likely = clustering.posterior(embeddings @ centroids.T)

        def confidence(start: float, end: float, label: int) -> float:
            shared = [max(0.0, min(end, e) - max(start, s)) for s, e in times] * (owners == label)
            return float(np.average(likely[:, label], weights=shared)) if shared.any() else UNKNOWN

        turns = SpeakerDiarizationMixin.to_annotation(
            tracks, min_duration_on=self._settings.min_duration_on, min_duration_off=self._settings.min_duration_off
        )
        names: dict[int, str] = {}
        segments = []
        for turn, _, label in turns.itertracks(yield_label=True):
            name = names.setdefault(label, f"SPEAKER_{len(names):02d}")
            start, end = max(0.0, turn.start), min(turn.end, len(speech) / RATE)
            if end > start:
                segments.append(Segment(start=start, end=end, speaker=name, confidence=confidence(start, end, label)))
        return Diarization(segments, {name: centroids[label] for label, name in names.items()})


def _alone_seconds(windows: SlidingWindowFeature) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Seconds of unoverlapped speech of each local speaker ``(windows, local speakers)``: within its window, and with
    each moment shared out among the windows that hear it, so that these sum to the time in the recording.
    """
    active = windows.data > 0.5
    alone = active & (active.sum(axis=2, keepdims=True) == 1)
    count, frames, _ = active.shape
    seconds = windows.sliding_window.duration / frames
    starts = [round(windows.sliding_window.step * window / seconds) for window in range(count)]
    cover = np.zeros(starts[-1] + frames)
    for start in starts:
        cover[start : start + frames] += 1
    shares = np.stack([cover[start : start + frames] for start in starts])[..., None]
    return alone.sum(axis=1) * seconds, (alone / shares).sum(axis=1) * seconds


def _pieces(tracks: npt.NDArray[Any], longest: float, shortest: float) -> list[tuple[int, int]]:
    """First and end frames of what one speaker alone says without a pause, in equal parts of at most ``longest``
    frames; those under ``shortest`` are left out.
    """
    single = np.where(tracks.sum(axis=1) == 1, tracks.argmax(axis=1), -1)
    edges = [0, *(np.flatnonzero(np.diff(single)) + 1).tolist(), len(single)]
    pieces = []
    for first, end in pairwise(edges):
        if single[first] >= 0:
            cuts = np.linspace(first, end, 1 + int(np.ceil((end - first) / longest))).astype(int).tolist()
            pieces += [(a, b) for a, b in pairwise(cuts) if b - a >= shortest]
    return pieces
