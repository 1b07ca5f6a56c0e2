"""The threshold of each figure."""

from __future__ import annotations

from pydantic import Field

from hyperaudio.settings import Section


class Limits(Section):
    onset_median_ms: float = Field(default=20.0, gt=0)
    """Most that a word's start may deviate from the original's, median over the edited words, in ms."""
    onset_p95_ms: float = Field(default=80.0, gt=0)
    """The same for the 95th percentile, in ms."""
    end_median_ms: float = Field(default=30.0, gt=0)
    """Most that an utterance's end may deviate, median over the edited utterances, in ms."""
    lag_ms: float = Field(default=20.0, gt=0)
    """Most that the new voice as a whole may lie earlier or later, by cross-correlation, in ms;
    between voices that differ it is of their energy, which tells it to 10 ms or so."""
    drift_ms: float = Field(default=30.0, gt=0)
    """Most that words may come ever later from the first edit to the last, in ms."""
    loudness_change_lu: float = Field(default=0.5, ge=0)
    """Most that the programme's integrated loudness may change, in LU."""
    true_peak_dbtp: float = Field(default=-1.0, le=0)
    """The result's true peak may be as high as this or as the original's, whichever is more, in dBTP."""
    utterance_loudness_lu: float = Field(default=1.0, gt=0)
    """Most that any utterance's loudness may differ from that of the voice removed, in LU."""
    utterance_median_lu: float = Field(default=0.5, gt=0)
    """The same for the median over the edited utterances, in LU."""
    contour_db: float = Field(default=3.0, gt=0)
    """Most that the level over 400 ms may differ from the removed voice's, median over the edits, in dB."""
    pause_level_db: float = Field(default=3.0, gt=0)
    """Most that the level of the pauses inside the edits may differ from the original's, median, in dB."""
    pause_spectrum_db: float = Field(default=6.0, gt=0)
    """Most that the spectrum of those pauses may differ, RMS over third octaves with the level taken out, in dB."""
    joint: float = Field(default=1.0, gt=0)
    """Largest step at an edit's edge, as a multiple of the 99th percentile of the steps in the original."""
    click: float = Field(default=2.0, gt=0)
    """Sharpest click within an edit, as a multiple of the sharpest that the original has there."""
    stereo_correlation: float = Field(default=0.1, gt=0)
    """Most that the channels' correlation may change within the edits, median."""
    stereo_balance_db: float = Field(default=1.0, gt=0)
    """Most that the level between the channels may change within the edits, median, in dB."""
    bandwidth_octaves: float = Field(default=0.5, gt=0)
    """Most that the new voice's bandwidth may differ from the old one's, in octaves."""
    likeness_margin: float = Field(default=0.0, ge=-2, le=2)
    """Least by which the new voice must be more like the reference than like the old voice (cosine)."""
    likeness_share: float = Field(default=0.0, ge=-1, le=1)
    """Least likeness to the reference, as a share of the reference's likeness to itself: strangers have about 0,
    one person about 1."""
    spread: float = Field(default=0.1, gt=0)
    """Most that the likeness of single utterances to the mean of the new voice may spread (standard deviation)."""
    leakage_db: float = Field(default=-30.0, lt=0)
    """Most that may be left of the removed voice within the edits, in dB; measured where its stem is known."""
    wer_increase: float = Field(default=0.05, ge=0)
    """Most by which the word error rate of the edited words may grow, 0.05 for five in a hundred; two standard
    errors are added to it, which matters where the words are few."""
    replaced: float = Field(default=0.9, ge=0, le=1)
    """Least share of the target's words, by duration, that lies within edits."""
    overlap_loss_db: float = Field(default=1.0, ge=0)
    """Most that the SI-SDR of the other speakers may fall where the target talks at the same time, in dB."""
