//! The barber example of the Keras baseline, with its exact results.

use super::{KerasConfig, KerasTokenizer};

#[test]
fn the_barber_example_gives_the_results_of_the_keras_baseline() {
    let sentences = [
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
    .map(|sentence| sentence.split(' ').collect::<Vec<_>>());
    let mut tokenizer = KerasTokenizer::new(KerasConfig::default()).unwrap();
    tokenizer.fit_on_texts(&sentences);
    let word_index = [
        ("barber", 1),
        ("secret", 2),
        ("huge", 3),
        ("kept", 4),
        ("person", 5),
        ("word", 6),
        ("keeping", 7),
        ("good", 8),
        ("knew", 9),
        ("driving", 10),
        ("crazy", 11),
        ("went", 12),
        ("mountain", 13),
    ];
    assert_eq!(tokenizer.word_index().collect::<Vec<_>>(), word_index);
    let word_counts = [
        ("barber", 8),
        ("person", 3),
        ("good", 1),
        ("huge", 5),
        ("knew", 1),
        ("secret", 6),
        ("kept", 4),
        ("word", 2),
        ("keeping", 2),
        ("driving", 1),
        ("crazy", 1),
        ("went", 1),
        ("mountain", 1),
    ];
    assert_eq!(tokenizer.word_counts().collect::<Vec<_>>(), word_counts);
    let sequences: [&[u64]; 11] = [
        &[1, 5],
        &[1, 8, 5],
        &[1, 3, 5],
        &[9, 2],
        &[2, 4, 3, 2],
        &[3, 2],
        &[1, 4, 6],
        &[1, 4, 6],
        &[1, 4, 2],
        &[7, 7, 3, 2, 10, 1, 11],
        &[1, 12, 3, 13],
    ];
    assert_eq!(tokenizer.texts_to_sequences(&sentences), sequences);
    assert_eq!(tokenizer.document_count(), 11);
    let docs: Vec<_> = tokenizer.word_docs().take(4).collect();
    assert_eq!(docs, [("barber", 8), ("person", 3), ("good", 1), ("huge", 5)]);
    assert_eq!(tokenizer.sequences_to_texts(&sequences)[9], sentences[9].join(" "));
}
