"""Keras's legacy Tokenizer on example texts and on the example sentences of the Keras baseline."""

import keras
from keras.src.legacy.preprocessing.text import Tokenizer

BARBER = [
    "barber person",
    "barber good person",
    "barber huge person",
    "knew secret",
    "secret kept huge secret",
    "huge secret",
    "barber kept word",
    "barber kept word",
    "barber kept secret",
    "keeping keeping huge secret driving barber crazy",
    "barber went huge mountain",
]
PROSE = [
    "The Fox, who was hungry, saw the grapes; the grapes were high.",
    "«Sour!» said the fox -- and he didn't look back.\tNot once\nnor twice.",
    "여우는 포도를 보았다. 포도는 높았다! ÉTÉ été İstanbul",
    "",
    "the the THE  fox",
]
CASES = [
    ("barber", BARBER, {}),
    ("prose", PROSE, {}),
    ("kept_case_and_marks", PROSE, {"lower": False, "filters": ""}),
    ("few_words", PROSE, {"num_words": 4}),
    ("unknown_words", PROSE, {"num_words": 5, "oov_token": "<unk>"}),
    ("characters", PROSE, {"char_level": True}),
    ("characters_kept", PROSE, {"char_level": True, "lower": False, "oov_token": "?"}),
    ("other_split", ["a_b__c A", "c_b"], {"split": "_"}),
]
UNSEEN = ["the wolf saw the fox", "barber wolf", "Zebra 포도를"]


def fixture():
    cases = []
    for name, texts, arguments in CASES:
        tokenizer = Tokenizer(**arguments)
        tokenizer.fit_on_texts(texts)
        cases.append(
            {
                "name": name,
                "texts": texts,
                "arguments": arguments,
                "word_index": list(tokenizer.word_index.items()),
                "word_counts": list(tokenizer.word_counts.items()),
                "sequences": tokenizer.texts_to_sequences(texts),
                "unseen": UNSEEN,
                "unseen_sequences": tokenizer.texts_to_sequences(UNSEEN),
                "json": tokenizer.to_json(),
            }
        )
    return {"framework": f"keras {keras.__version__}", "cases": cases}
