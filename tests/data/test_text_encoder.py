import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from nightschool.data.manifest.sections import TextEncoder as Declared
from nightschool.data.text_encoder import PACKAGE, SentenceEncoder, find_encoder, hash_folder
from nightschool.errors import Unavailable

REAL_MODEL = os.environ.get("TEXT_ENCODER", "")


class FakeModel:
    """Stands for a SentenceTransformer whose tokens are words."""

    max_seq_length = 3
    loaded: list

    def __init__(self, name, *, local_files_only):
        if name == "broken":
            raise OSError("no file named pytorch_model.bin\nfound")
        self.name, self.local_files_only = name, local_files_only

    def encode(self, texts, **_):
        return np.array([[len(text), 1.0] for text in texts])

    def tokenizer(self, texts, **_):
        return {"input_ids": [text.split() for text in texts]}


@pytest.fixture
def package(monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGE, SimpleNamespace(SentenceTransformer=FakeModel))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "1_Pooling" / "config.json").write_text("{}", encoding="utf-8")
    return tmp_path


def test_folder_is_encoded_by_and_nothing_is_downloaded(package, folder):
    encoder = find_encoder(Declared(model=str(folder), allow_download=True))
    vectors = encoder.encode(["a", "abc"])
    assert (vectors.dtype, vectors.tolist()) == (np.float32, [[1, 1], [3, 1]])
    assert encoder._model.local_files_only


def test_name_is_downloaded_only_where_that_is_allowed(package):
    with pytest.raises(Unavailable, match=r"no folder of the text_encoder; saw 'minilm'; .* allow_download = true"):
        find_encoder(Declared(model="minilm"))
    encoder = find_encoder(Declared(model="minilm", allow_download=True))
    encoder.encode(["a"])
    assert not encoder._model.local_files_only


def test_longer_texts_are_counted_by_tokens(package, folder):
    encoder = find_encoder(Declared(model=str(folder)))
    assert encoder.limit == 3
    assert encoder.count_longer(["a b c d", "a b c", "abcdefgh", ""]) == 1
    assert encoder.count_longer(["a"]) == 0


def test_missing_package_is_named_with_the_next_step(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    encoder = find_encoder(Declared(model=str(folder)))
    with pytest.raises(Unavailable, match=r"sentence-transformers; .*pip install 'nightschool\[text\]', or take"):
        encoder.encode(["a"])


def test_folder_without_a_model_is_named(package):
    encoder = SentenceEncoder("broken", "f", allow_download=False)
    with pytest.raises(Unavailable, match=r"text_encoder broken cannot be loaded; saw 'no file named .* found'"):
        encoder.encode(["a"])


def test_fingerprint_follows_the_folders_content(folder):
    first = hash_folder(folder)
    (folder / ".gitattributes").write_text("x", encoding="utf-8")
    assert hash_folder(folder) == first
    (folder / "config.json").write_text("[]", encoding="utf-8")
    assert hash_folder(folder) != first


def test_names_have_fingerprints_of_their_own():
    found = {find_encoder(Declared(model=name, allow_download=True)).fingerprint for name in ("a", "b")}
    assert len(found) == 2


def test_model_without_a_limit_counts_no_text_as_longer(package, folder, monkeypatch):
    monkeypatch.setattr(FakeModel, "max_seq_length", float("inf"))
    encoder = find_encoder(Declared(model=str(folder)))
    assert (encoder.limit, encoder.count_longer(["a b c d"])) == (0, 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # other packages' own
def test_a_real_model_knows_what_sentences_mean():
    pytest.importorskip(PACKAGE, reason="the extra text is not installed")
    if not REAL_MODEL:
        pytest.skip("TEXT_ENCODER names no folder of an English model")
    encoder = find_encoder(Declared(model=REAL_MODEL))
    texts = [
        "An introduction to statistics",
        "Learning from data by probability",
        "Paint with oil colours",
        "R",
        "word " * 20_000,
    ]
    vectors = encoder.encode(texts)
    assert np.isfinite(vectors).all()
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1
    np.testing.assert_allclose(encoder.encode(texts[:1])[0], encoder.encode(texts)[0], atol=1e-4)
    assert encoder.count_longer(texts) == 1
