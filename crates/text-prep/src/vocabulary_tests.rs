//! Ids, counts and saved vocabularies.

use crate::token_counter::tests::count;
use crate::vocabulary::Vocabulary;

#[test]
fn new_words_are_added_after_existing_ones() {
    let old = Vocabulary::from_counts(count("b a b").iter(), 1, true);
    let new = old.extended(count("c a d d c d e").iter(), 2);
    assert_eq!(new.extended(count("a d").iter(), 1), new);
    let order: Vec<_> = (0..new.len() as u32).map(|id| new.token(id).unwrap()).collect();
    assert_eq!(order, ["<padding>", "<unknown>", "b", "a", "d", "c"]);
    let text = serde_json::to_string(&new).unwrap();
    assert_eq!(serde_json::from_str::<Vocabulary>(&text).unwrap(), new);
}

#[test]
fn ids_are_ordered_by_count_then_by_first_appearance() {
    let vocabulary = Vocabulary::from_counts(count("d c b a b a").iter(), 0, false);
    let order: Vec<_> = (0..5).map(|id| vocabulary.token(id).unwrap()).collect();
    assert_eq!(order, ["<padding>", "b", "a", "d", "c"]);
    assert_eq!((vocabulary.len(), vocabulary.num_words()), (5, 4));
    assert_eq!((vocabulary.id("d"), vocabulary.id("<padding>"), vocabulary.token(5)), (Some(3), None, None));
    assert_eq!((vocabulary.count(0), vocabulary.count(1), vocabulary.count(9)), (0, 2, 0));
    assert_eq!((vocabulary.unknown_id(), vocabulary.never_sampled().collect::<Vec<_>>()), (None, vec![0]));
}

#[test]
fn the_document_token_follows_the_unknown_token_and_is_no_word() {
    let counted = count("<document> a a b c");
    for (unknown, id) in [(false, 1), (true, 2)] {
        let vocabulary = Vocabulary::from_counts(counted.iter(), 2, unknown);
        assert_eq!((vocabulary.document_id(), vocabulary.id("a")), (None, Some(id)));
        assert!(!serde_json::to_string(&vocabulary).unwrap().contains("documents"));
        let vocabulary = Vocabulary::from_counts(counted.iter(), 1, unknown).with_documents(7);
        assert_eq!((vocabulary.document_id(), vocabulary.token(id)), (Some(id), Some("<document>")));
        assert_eq!((vocabulary.count(id), vocabulary.written(id), vocabulary.written(id + 1)), (7, "", "a"));
        // A text that spells it is a word.
        assert_eq!(vocabulary.id("<document>"), Some(id + 2));
        assert_eq!((vocabulary.num_words(), vocabulary.len()), (4, id as usize + 5));
        assert!(vocabulary.is_reserved(id) && !vocabulary.is_reserved(id + 1));
        assert_eq!(vocabulary.never_sampled().collect::<Vec<_>>(), (0..id).collect::<Vec<_>>());
        let json = serde_json::to_string(&vocabulary).unwrap();
        assert!(json.contains("\"documents\":7"), "{json}");
        assert_eq!(serde_json::from_str::<Vocabulary>(&json).unwrap(), vocabulary);
        let extended = vocabulary.extended(count("z").iter(), 1);
        assert_eq!((extended.document_id(), extended.id("a")), (Some(id), vocabulary.id("a")));
    }
}

#[test]
fn rare_tokens_are_left_out_or_counted_as_unknown() {
    let counted = count("a a b c c c");
    let dropped = Vocabulary::from_counts(counted.iter(), 2, false);
    assert_eq!((dropped.len(), dropped.id("b")), (3, None));
    let mapped = Vocabulary::from_counts(counted.iter(), 2, true);
    assert_eq!((mapped.len(), mapped.num_words(), mapped.unknown_id()), (4, 2, Some(1)));
    assert_eq!((mapped.token(1), mapped.count(1), mapped.id("c")), (Some("<unknown>"), 1, Some(2)));
    assert!(mapped.is_reserved(0) && mapped.is_reserved(1) && !mapped.is_reserved(2));
    assert!(!dropped.is_reserved(1));
}

#[test]
fn a_vocabulary_round_trips_through_json() {
    for (text, unknown) in [("", false), ("", true), ("한 🦊 \u{7f} a a \\", true), ("a", false)] {
        let vocabulary = Vocabulary::from_counts(count(text).iter(), 1, unknown);
        let json = serde_json::to_string(&vocabulary).unwrap();
        assert_eq!(serde_json::from_str::<Vocabulary>(&json).unwrap(), vocabulary, "{json}");
    }
}

#[test]
fn an_inconsistent_file_is_rejected() {
    let read = |words: &str| {
        serde_json::from_str::<Vocabulary>(&format!("{{\"unknown\":false,\"words\":[{words}]}}"))
            .unwrap_err()
            .to_string()
    };
    let twice = read(r#"{"token":"a","count":2},{"token":"a","count":1}"#);
    assert!(twice.contains("contains `a` twice"), "{twice}");
    let rising = read(r#"{"token":"a","count":1},{"token":"b","count":2}"#);
    assert!(rising.contains("descending counts"), "{rising}");
}

#[test]
fn nearest_words_are_sorted_by_distance_then_by_count() {
    let vocabulary = Vocabulary::from_counts(count("bat cat cat hat dragon the").iter(), 0, false);
    assert_eq!(vocabulary.nearest("rat", 2), ["cat", "bat"]);
    assert_eq!(vocabulary.nearest("dargon", 3), ["dragon"]);
    assert!(vocabulary.nearest("zzzz", 3).is_empty());
}

#[test]
fn the_tsv_table_has_one_line_per_token() {
    let counts = [("\n", 3), ("a\\\t", 2), ("한", 1)];
    let vocabulary = Vocabulary::from_counts(counts, 0, true);
    assert_eq!(
        vocabulary.to_tsv(),
        "id\ttoken\tcount\n0\t<padding>\t0\n1\t<unknown>\t0\n2\t\\n\t3\n3\ta\\\\\\t\t2\n4\t한\t1\n"
    );
}
