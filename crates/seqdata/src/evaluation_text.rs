//! A text that a trained model is evaluated on, encoded with its tokenizer.

use std::collections::HashMap;
use std::sync::Arc;

use text_prep::{TextSource, Tokenizer};

use crate::dataset_input::DatasetInput;
use crate::documents::Documents;
use crate::error::{Error, Result};
use crate::ids_writer::IdsWriter;
use crate::sequence::Sequence;
use crate::split::Part;

/// A text for the evaluation of a trained model.
#[derive(Clone, Debug)]
pub struct EvaluationText {
    /// Its ids, and the labels of its documents.
    pub sequence: Sequence,
    /// Its documents, if the model was trained on documents.
    pub documents: Option<Arc<Documents>>,
    /// Tokens without an id.
    pub unmapped: usize,
}

impl EvaluationText {
    /// Reads and encodes `input` for a model with this tokenizer and these labels. A model of documents reads a running text
    /// as one document.
    ///
    /// # Errors
    /// If the input cannot be read, has documents although the model has none, or has none with a known token.
    pub fn read(input: DatasetInput<'_>, tokenizer: &Tokenizer, labels: &[String]) -> Result<Self> {
        let document_token = tokenizer.vocabulary.document_id();
        if document_token.is_none() && input.has_documents() {
            return Err(Error::OtherKindOfText { documents: true });
        }
        let (mut ids, mut unmapped) = (IdsWriter::default(), 0);
        let mut encode = |ids: &mut IdsWriter, text: &mut dyn TextSource| -> Result<()> {
            let counts = tokenizer.encode_stream(text, |id| ids.push(id))?;
            unmapped += (counts.dropped + counts.unmapped) as usize;
            ids.check()
        };
        let mut documents = Documents::none(labels.to_vec());
        let numbers: HashMap<&str, u32> = labels.iter().map(String::as_str).zip(1..).collect();
        document_token.into_iter().for_each(|id| ids.push(id));
        let mut end_document = |ids: &mut IdsWriter, start: usize, label: Option<&str>| {
            let Some(token) = document_token else { return };
            if ids.len() == start {
                documents.empty += 1;
                return;
            }
            let number = label.filter(|label| !labels.is_empty() && !label.is_empty()).map(|label| numbers.get(label));
            documents.unknown_labels[Part::Valid as usize] += usize::from(number == Some(None));
            documents.push(Part::Valid, start, number.flatten().copied().unwrap_or(0));
            ids.push(token);
        };
        match input {
            DatasetInput::Text(mut text) => {
                let start = ids.len();
                encode(&mut ids, &mut *text)?;
                end_document(&mut ids, start, None);
            }
            DatasetInput::Documents(mut source) => {
                while let Some(document) = source.next_document()? {
                    let start = ids.len();
                    encode(&mut ids, &mut { document.text })?;
                    end_document(&mut ids, start, document.label);
                }
            }
        }
        documents.end = ids.len() as u64;
        if document_token.is_some() && documents.is_empty() {
            return Err(Error::NoDocuments { part: "evaluation" });
        }
        let (ids, documents) = (Arc::new(ids.finish()?), document_token.map(|_| Arc::new(documents)));
        let range = 0..ids.len();
        let sequence = match &documents {
            None => Sequence::new(ids, range),
            Some(documents) => Sequence::of_documents(ids, range, documents.clone(), Part::Valid),
        };
        Ok(Self { sequence, documents, unmapped })
    }
}

#[cfg(test)]
mod tests {
    use text_prep::{Cleaner, OovPolicy, PreTokenizer, Vocabulary, WordOptions};

    use super::*;

    fn tokenizer(has_documents: bool) -> Tokenizer {
        let vocabulary = Vocabulary::from_counts([("a", 2), ("b", 1)], 1, false);
        Tokenizer {
            cleaner: Cleaner::preset("prose").unwrap(),
            pre_tokenizer: PreTokenizer::Words(WordOptions::default()),
            vocabulary: if has_documents { vocabulary.with_documents(3) } else { vocabulary },
            document_separator: None,
            oov: OovPolicy::Unknown,
        }
    }

    #[test]
    fn documents_have_their_labels_and_document_tokens_around_them() {
        let documents = [("a b", Some("x")), ("c", None), ("b", Some("y")), ("a c", Some("z"))];
        let labels = ["w", "y", "x"].map(String::from);
        let input = DatasetInput::documents(&documents[..]);
        let text = EvaluationText::read(input, &tokenizer(true), &labels).unwrap();
        let EvaluationText { sequence, documents, unmapped } = text;
        assert_eq!(sequence.ids(0..sequence.len()).collect::<Vec<_>>(), [1, 2, 3, 1, 3, 1, 2, 1]);
        assert_eq!(sequence.labels(0..sequence.len()).collect::<Vec<_>>(), [3, 3, 3, 2, 2, 0, 0, 0]);
        let documents = documents.unwrap();
        assert_eq!((unmapped, documents.empty, documents.unknown_labels), (2, 1, [0, 1, 0]));
        assert_eq!(documents.label_counts(documents.of(Part::Valid)), [1, 0, 1, 1]);
        assert_eq!(documents.tokens(2), 6..7);
    }

    #[test]
    fn a_running_text_is_one_document_of_a_model_of_documents() {
        let ids = |has_documents| {
            let input = DatasetInput::whole_text("a b a");
            let text = EvaluationText::read(input, &tokenizer(has_documents), &[]).unwrap();
            text.sequence.ids(0..text.sequence.len()).collect::<Vec<_>>()
        };
        assert_eq!(ids(false), [1, 2, 1]);
        assert_eq!(ids(true), [1, 2, 3, 2, 1]);
        let documents = [("a", None)];
        let error = EvaluationText::read(DatasetInput::documents(&documents[..]), &tokenizer(false), &[]).unwrap_err();
        assert!(error.to_string().contains("trained on running text"), "{error}");
        let none = EvaluationText::read(DatasetInput::whole_text("c"), &tokenizer(true), &[]).unwrap_err();
        assert!(none.to_string().contains("no document with a known token"), "{none}");
    }
}
