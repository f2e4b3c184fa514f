//! The training text, which samples are compared with.

use std::ops::Range;

use seqdata::{Part, TextDataset};

/// The training text, or its documents, as the network reads it, without unknown tokens.
pub fn training_texts(dataset: &TextDataset) -> Vec<String> {
    let unknown = dataset.tokenizer.vocabulary.unknown_id();
    let text = |range: Range<usize>| {
        let mut ids = dataset.ids.slice(range);
        ids.retain(|&id| Some(id) != unknown);
        dataset.tokenizer.decode(&ids)
    };
    match &dataset.documents {
        None => vec![text(dataset.split.train.clone())],
        Some(documents) => documents.of(Part::Train).map(|document| text(documents.tokens(document))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use seqdata::{DatasetConfig, DatasetInput};

    use super::*;

    #[test]
    fn a_text_is_one_and_each_document_is_one() {
        let text = "The fox saw the crow. ".repeat(20);
        let config = DatasetConfig::characters().context_len(4);
        let dataset = TextDataset::from_text(&text).config(config).build().unwrap();
        let found = training_texts(&dataset);
        assert_eq!(found.len(), 1);
        assert!(text.starts_with(&found[0]) && found[0].len() > text.len() / 2, "{found:?}");

        let train: [(&str, Option<&str>); 2] = [("Anna", None), ("Otto", None)];
        let valid: [(&str, Option<&str>); 1] = [("Anton", None)];
        let dataset = TextDataset::from_documents(&train[..]).valid(DatasetInput::documents(&valid[..]));
        let dataset = dataset.config(DatasetConfig::characters()).build().unwrap();
        assert_eq!(training_texts(&dataset), ["Anna", "Otto"]);
    }
}
