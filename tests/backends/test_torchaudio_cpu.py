from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from hyperaudio.backends import torchaudio_cpu
torchaudio = torchaudio_cpu.ensure()
assert torchaudio_cpu.ensure() is torchaudio
import torch
from torchaudio.compliance import kaldi
assert kaldi.fbank(torch.randn(1, 16000), num_mel_bins=80).shape == (98, 80)
"""


def test_the_filter_bank_works_in_a_fresh_process() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=120)
