"""Which files a model needs, and when those of the local hub cache are enough."""

from pathlib import Path

from models.downloads import local_folder
from models.snapshot import needed
from tests.models import tiny
from tests.models.hub_fixtures import REPO, model, only_needed

ENCODER = """modules.json config.json config_sentence_transformers.json sentence_bert_config.json vocab.txt
tokenizer_config.json 1_Pooling/config.json 2_Dense/config.json 2_Dense/model.safetensors model.safetensors""".split()


def test_what_is_needed_of_an_encoder() -> None:
    rest = [
        "2_Dense/pytorch_model.bin",
        "pytorch_model.bin",
        "colbert_linear.pt",
        "onnx/model.onnx",
        "x.py",
        "README.md",
    ]
    rest += ["openvino/config.json", "../config.json", "1_Pooling/evil.py", "model.fp16.safetensors", "tf_model.h5"]
    assert set(needed(model(), [*ENCODER, *rest])) == set(ENCODER)
    pickled = ["config.json", "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    assert set(needed(model(), [*pickled, "pytorch_model.bin.index.json", "flax_model.msgpack"])) >= set(pickled)


def test_a_snapshot_counts_when_it_is_whole(weights: Path, tmp_path: Path) -> None:
    cache = tiny.hub_cache(tmp_path, only_needed(weights, tmp_path / "plain"), REPO)
    folder = local_folder(model(), cache)
    assert folder is not None and local_folder(model(revision="v2"), cache) is None
    essential = {"config.json", "tokenizer.json", *(path.name for path in folder.glob("*.safetensors"))}
    for path in list(folder.iterdir()):
        hidden = path.rename(path.with_name(path.name + ".hidden"))
        whole = local_folder(model(), cache) is not None
        assert whole == (path.name not in essential | {"model.safetensors.index.json"}), path.name
        hidden.rename(path)


def test_an_encoder_counts_when_all_its_modules_are_there(weights: Path, tmp_path: Path) -> None:
    plain = only_needed(weights, tmp_path / "plain")
    folder = next(tiny.hub_cache(tmp_path, plain, REPO).glob("models--*/snapshots/*"))
    rows = ["", "1_Pooling", "2_Dense", "3_Normalize"]
    kinds = ["Transformer", "Pooling", "Dense", "Normalize"]
    table = [f'{{"path": "{path}", "type": "models.{kind}"}}' for path, kind in zip(rows, kinds, strict=True)]
    (folder / "modules.json").write_text(f"[{', '.join(table)}]")
    parts = [folder / "1_Pooling/config.json", folder / "2_Dense/config.json", folder / "2_Dense/model.safetensors"]
    for part in parts:
        assert local_folder(model(), tmp_path) is None
        part.parent.mkdir(exist_ok=True)
        part.write_text("{}")
    assert local_folder(model(), tmp_path) == folder
    (folder / "modules.json").write_text("[")
    assert local_folder(model(), tmp_path) is None
