//! An input that is encoded with the tokenizer of a trained model, to evaluate that model.

use std::sync::Arc;

use text_prep::{FoundControlCharacters, Tokenizer};

use crate::counted_text::CountedText;
use crate::dataset_config::DatasetConfig;
use crate::dataset_input::{DatasetInput, check_kinds};
use crate::document_index::index_documents;
use crate::documents::Documents;
use crate::error::{Error, Result};
use crate::final_ids::{EncodedText, FinalIds};
use crate::sections::Sections;
use crate::sequence::Sequence;
use crate::split::Part;
use crate::vocab_builder::NewTokens;

/// An input that is encoded with the tokenizer of a trained model.
#[derive(Clone, Debug)]
pub struct EvaluationInput {
    /// Its ids, with the labels of documents.
    pub sequence: Sequence,
    /// The documents, all of them in [`Part::Valid`], if the input has documents.
    pub documents: Option<Arc<Documents>>,
    /// Tokens that have no id and are left out.
    pub dropped: usize,
    /// The control characters of the input, if its source found any.
    pub control_characters: Option<FoundControlCharacters>,
}

impl EvaluationInput {
    /// Reads the input as the training text of the model with this tokenizer and these labels was read.
    ///
    /// # Errors
    /// If the input cannot be read, the model was not trained on an input of this kind, there is no document with a known
    /// token, or a document has a label that the model does not have.
    pub fn read(input: DatasetInput<'_>, tokenizer: &Tokenizer, labels: &[String]) -> Result<Self> {
        let mut inputs = [Some(input), None, None];
        check_kinds(&inputs, Some(tokenizer))?;
        let Tokenizer { cleaner, pre_tokenizer, document_separator, oov, vocabulary } = tokenizer.clone();
        let config = DatasetConfig { cleaner, pre_tokenizer, document_separator, oov, ..DatasetConfig::default() };
        config.validate()?;
        let mut counted = CountedText::read(&mut inputs, &config)?;
        let control_characters = inputs[0].as_ref().and_then(DatasetInput::control_characters);
        let sections = Sections::of_one_part(&mut counted, Part::Valid);
        let final_ids = FinalIds::new(&counted.counter, &vocabulary);
        let mut encoded = EncodedText::new(&counted, &sections, &final_ids, vocabulary.document_id())?;
        let known = Some((labels.to_vec(), NewTokens::Error));
        let index = |documents| match encoded.starts[..] {
            [] => Err(Error::NoDocuments { part: "evaluation" }),
            _ => index_documents(documents, &sections, &mut encoded, known).map(Arc::new),
        };
        let documents = counted.documents.map(index).transpose()?;
        let (ids, range) = (Arc::new(encoded.ids), encoded.split.valid);
        let sequence = match &documents {
            None => Sequence::new(ids, range),
            Some(documents) => Sequence::of_documents(ids, range, documents.clone(), Part::Valid),
        };
        Ok(Self { sequence, documents, dropped: encoded.dropped[1], control_characters })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::TextDataset;

    const TRAIN: [(&str, Option<&str>); 3] = [("a b", Some("x")), ("b c", Some("y")), ("c", None)];

    #[test]
    fn it_is_encoded_as_the_validation_documents_of_training() {
        let valid = [("c a", Some("y")), (" ", None), ("b", None)];
        let input = || DatasetInput::documents(&valid[..]);
        let dataset = TextDataset::from_documents(&TRAIN[..]).words().valid(input()).build().unwrap();
        let read = EvaluationInput::read(input(), &dataset.tokenizer, dataset.label_names()).unwrap();
        let (found, expected) = (read.sequence, dataset.sequence(Part::Valid));
        assert_eq!(found.len(), expected.len());
        assert!(found.ids(0..found.len()).eq(expected.ids(0..found.len())));
        assert_eq!(found.labels(0..found.len() - 1).collect::<Vec<_>>(), [2, 2, 2, 0, 0]);
        let documents = read.documents.unwrap();
        assert_eq!((documents.of(Part::Valid), documents.empty, read.dropped), (0..2, 1, 0));
        let error = |input, labels: &[String]| {
            EvaluationInput::read(input, &dataset.tokenizer, labels).unwrap_err().to_string()
        };
        assert!(error(input(), &["x".into()]).contains("the label `y`"));
        assert!(error(DatasetInput::documents(&valid[1..2]), &[]).contains("the evaluation input has no document"));
        assert!(error(DatasetInput::whole_text("a b"), &[]).contains("trained on documents"));
    }

    #[test]
    fn a_running_text_has_the_ids_of_its_tokens() {
        let text = "a b a c a b a ";
        let dataset = TextDataset::from_text(text.repeat(9)).context_len(2).build().unwrap();
        let read = EvaluationInput::read(DatasetInput::whole_text(text), &dataset.tokenizer, &[]).unwrap();
        assert!(read.sequence.ids(0..7).eq(dataset.ids.iter().take(7)));
        assert_eq!((read.sequence.len(), read.documents.is_some()), (7, false));
    }
}
