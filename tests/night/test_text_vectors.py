"""Texts are encoded once each, whatever their length, and a night goes on without an encoder."""

import numpy as np
import polars as pl
import pytest

from nightschool.data.manifest.sections import TextEncoder as Declared
from nightschool.data.vectors import item_vectors
from nightschool.item_columns import TEXT_VECTOR
from nightschool.night.text_vectors import Encodings, with_text_vectors
from tests.night.tiny_encoder import TinyEncoder

DECLARED = Declared(model="tiny")


def items(*texts):
    return pl.DataFrame({"item_id": range(len(texts)), "text": pl.Series(texts, dtype=pl.String)})


def encodings(folder, encoder, **options):
    return Encodings(folder, find=lambda _: encoder, **options)


def test_each_different_text_is_encoded_once(tmp_path):
    encoder = TinyEncoder()
    found = with_text_vectors(
        items("algebra", "painting", "algebra", " algebra "), DECLARED, encodings(tmp_path, encoder)
    )
    assert sorted(encoder.encoded) == ["algebra", "painting"]
    vectors = found.items[TEXT_VECTOR].to_list()
    assert vectors[0] == vectors[2] == vectors[3] != vectors[1]
    assert found.notes == ()


def test_only_new_texts_are_encoded_later(tmp_path):
    first, second = TinyEncoder(), TinyEncoder()
    before = with_text_vectors(items("algebra", "painting"), DECLARED, encodings(tmp_path, first)).items
    after = with_text_vectors(items("painting", "singing"), DECLARED, encodings(tmp_path, second)).items
    assert second.encoded == ["singing"]
    assert after[TEXT_VECTOR][0].to_list() == before[TEXT_VECTOR][1].to_list()


def test_another_encoder_encodes_all_again(tmp_path):
    with_text_vectors(items("algebra"), DECLARED, encodings(tmp_path, TinyEncoder()))
    other = TinyEncoder("another")
    with_text_vectors(items("algebra"), DECLARED, encodings(tmp_path, other))
    assert other.encoded == ["algebra"]


def test_texts_of_any_length(tmp_path):
    encoder = TinyEncoder()
    found = with_text_vectors(items("R", "", None, "  ", "x" * 100_000), DECLARED, encodings(tmp_path, encoder))
    assert found.items[TEXT_VECTOR].is_not_null().to_list() == [True, False, False, False, True]
    assert found.notes == ("text_encoder reads 8 tokens: of 1 texts, what follows does not count",)
    again = with_text_vectors(items("R", "x" * 100_000), DECLARED, encodings(tmp_path, encoder))
    assert again.notes == ()


def test_items_without_texts(tmp_path):
    found = with_text_vectors(items(None, ""), DECLARED, encodings(tmp_path, TinyEncoder()))
    assert TEXT_VECTOR not in found.items.columns


def test_no_items(tmp_path):
    assert with_text_vectors(items(), DECLARED, encodings(tmp_path, TinyEncoder())).items.is_empty()


def test_without_the_encoder_the_items_have_no_vectors_and_a_note_says_so(tmp_path):
    found = with_text_vectors(items("algebra"), Declared(model=str(tmp_path / "none")), Encodings(tmp_path))
    assert TEXT_VECTOR not in found.items.columns
    (note,) = found.notes
    assert "no vectors of their texts: there is no folder of the text_encoder" in note
    assert "allow_download = true" in note


def test_what_was_encoded_before_a_failure_is_kept(tmp_path):
    texts = [f"text {number:04}" for number in range(600)]
    found = with_text_vectors(items(*texts), DECLARED, encodings(tmp_path, TinyEncoder(fails_at=512)))
    assert found.items[TEXT_VECTOR].null_count() == 88
    assert found.notes == ("600 texts of items have no vector: the encoder ran out of memory",)
    later = TinyEncoder()
    assert with_text_vectors(items(*texts), DECLARED, encodings(tmp_path, later)).items[TEXT_VECTOR].null_count() == 0
    assert len(later.encoded) == 88


def test_a_reader_encodes_nothing(tmp_path):
    with_text_vectors(items("algebra"), DECLARED, encodings(tmp_path, TinyEncoder()))
    reader = TinyEncoder()
    found = with_text_vectors(items("algebra", "painting"), DECLARED, encodings(tmp_path, reader, encodes=False))
    assert reader.encoded == []
    assert found.items[TEXT_VECTOR].is_not_null().to_list() == [True, False]


class Broken(TinyEncoder):
    def encode(self, texts):
        vectors = super().encode(texts)
        vectors[0] = np.nan
        return vectors


@pytest.mark.filterwarnings("error")
def test_vector_that_is_not_finite_says_nothing(tmp_path):
    found = with_text_vectors(items("algebra", "painting"), DECLARED, encodings(tmp_path, Broken()))
    assert item_vectors(found.items, (TEXT_VECTOR,)).known.tolist() == [False, True]
