"""BLEU by sacreBLEU, ROUGE-L by rouge-score, and SQuAD's scores by their definition, on example texts."""

import collections
import importlib.metadata
import re
import string

import rouge_score.rouge_scorer
from sacrebleu.metrics import BLEU

FOX = "what did the hungry fox see on the vine ?"
# Candidate texts with their references: lower-case words separated by spaces.
CORPORA = [
    ("identical", [(FOX, [FOX]), ("who was hungry ?", ["who was hungry ?"])]),
    ("nothing_shared", [("a crow flew off", ["where do foxes live ?"])]),
    ("repeated_words", [("the the the the fox the", ["the fox saw the crow", "a fox and the crow"])]),
    (
        "empty_among_others",
        [("", ["where did the crow sit ?"]), ("where did the crow sit ?", ["where sat the crow ?"])],
    ),
    ("all_empty", [("", ["who ?"]), ("", ["why did it leave ?"])]),
    ("empty_reference", [("who left ?", [""]), ("who sat on the branch ?", ["who sat on a branch ?"])]),
    (
        "several_references",
        [
            (
                "what did the fox want to eat ?",
                ["what did the fox try to eat ?", "what would the fox have liked to eat ?", "eat what ?"],
            ),
            ("who flew off with the cheese ?", ["who took the cheese ?"]),
        ],
    ),
    ("ties_of_length", [("a b c d", ["a b c d e f", "a b"]), ("b c d e", ["b c", "b c d e f g"])]),
    (
        "longer",
        [
            (
                "in what year of the long reign of the old king did the crow leave the tower ?",
                ["in what year did the crow leave ?"],
            ),
            ("how many grapes were there on the vine that day ?", ["how many grapes were there ?"]),
        ],
    ),
    (
        "shorter",
        [
            ("what fell ?", ["what fell out of the beak of the crow ?"]),
            ("when did the fox leave", ["at what time of the day did the fox leave the garden ?"]),
        ],
    ),
    ("one_word", [("grapes", ["grapes"]), ("cheese", ["the cheese"])]),
    ("no_four_in_a_row", [("who saw the vine ?", ["who cut the vine ?"]), ("why so ?", ["why ?"])]),
    (
        "hangul",
        [
            ("여우 는 무엇 을 보았 는가 ?", ["여우 는 담 위 에서 무엇 을 보았 는가 ?"]),
            ("포도 는 왜 시다 고 했 는가 ?", ["여우 는 왜 포도 가 시다 고 했 는가 ?", "포도 는 왜 시다 고 했 나 ?"]),
        ],
    ),
    ("other_order", [("the crow saw the fox and left", ["the fox and the crow left ; he saw it"])]),
]

# A predicted answer and the gold answers.
ANSWERS = [
    ("the sour grapes", ["sour grapes"]),
    ("The Fox's den.", ["a foxs den"]),
    ("grapes that were sour", ["sour grapes", "the grapes, that were very sour"]),
    ("fox fox fox grapes", ["fox fox crow"]),
    ("crow", ["fox", "wolf"]),
    ("US$10.7 million", ["$10.7 million", "10.7"]),
    ("in 1917", ["1917"]),
    ("", ["fox"]),
    ("fox", [""]),
    ("", [""]),
    ("the", ["a"]),
    ("an", ["the", "fox"]),
    ("A–an—the", ["–—"]),
    ("“The” vine", ["“ ” vine"]),
    ("vitamin_A", ["vitamina"]),
    ("theory of another", ["a theory of the other"]),
    ("포도는 높았다!", ["포도는 매우 높았다"]),
    ("ÉTÉ\u00a01917", ["été 1917"]),
    ("  two\t words\n", ["two words"]),
]


class Spaces:
    """Splits at spaces; the tokenizer of rouge-score would keep only ASCII."""

    def tokenize(self, text):
        return text.split()


def corpus(name, texts):
    candidates = [text for text, _ in texts]
    most = max(len(references) for _, references in texts)
    # The n-th reference of every text; None for a text with fewer references.
    streams = [[refs[at] if at < len(refs) else None for _, refs in texts] for at in range(most)]
    scores = [
        BLEU(tokenize="none", smooth_method="none", max_ngram_order=order, force=True).corpus_score(
            candidates, streams
        )
        for order in range(1, 5)
    ]
    scorer = rouge_score.rouge_scorer.RougeScorer(["rougeL"], tokenizer=Spaces())
    rouge = [scorer.score_multi(references, text)["rougeL"].fmeasure for text, references in texts]
    return {
        "name": name,
        "texts": [{"written": text, "references": references} for text, references in texts],
        "bleu": [float(score.score) for score in scores],
        "precisions": [float(precision) for precision in scores[-1].precisions],
        "brevity_penalty": float(scores[-1].bp),
        "rouge_l": 100.0 * float(sum(rouge)) / len(rouge),
    }


def normalised(answer):
    """SQuAD's normalisation: lower case, no ASCII punctuation, no articles, single spaces."""
    kept = "".join(letter for letter in answer.lower() if letter not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def f1(predicted, gold):
    """F1 of two normalised answers; an empty one agrees only with an empty one, as in SQuAD 2.0."""
    predicted, gold = predicted.split(), gold.split()
    if not predicted or not gold:
        return float(predicted == gold)
    shared = sum((collections.Counter(predicted) & collections.Counter(gold)).values())
    if shared == 0:
        return 0.0
    precision, recall = shared / len(predicted), shared / len(gold)
    return 2 * precision * recall / (precision + recall)


def answer(predicted, gold):
    # SQuAD 2.0 skips gold answers that are empty after normalisation; without any other, the answer is "".
    found = normalised(predicted)
    compared = [text for text in map(normalised, gold) if text] or [""]
    return {
        "written": predicted,
        "truths": gold,
        "normalised": found,
        "exact_match": found in compared,
        "f1": max(f1(found, text) for text in compared),
    }


def fixture():
    answers = [answer(*case) for case in ANSWERS]
    versions = (f"{name} {importlib.metadata.version(name)}" for name in ("sacrebleu", "rouge-score"))
    return {
        "framework": ", ".join(versions),
        "corpora": [corpus(*case) for case in CORPORA],
        "answers": answers,
        "exact_match": 100.0 * sum(case["exact_match"] for case in answers) / len(answers),
        "f1": 100.0 * sum(case["f1"] for case in answers) / len(answers),
    }
