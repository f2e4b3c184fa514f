//! How many sequences of words of a sample are copied: from the training text, and from the texts of the models that the run
//! started from.

use std::path::Path;

use eval::{CopiedShare, NgramFilter};
use seqdata::TextDataset;
use serde::Serialize;

use crate::base;
use crate::config::Init;
use crate::error::Result;
use crate::report::training_texts::training_texts;
use crate::run::initial_model;
use crate::view::format::{counted, thousands};

/// The copied sequences of eight words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopiedWords {
    /// Those of the sample, with repetitions, which were all looked up in the training text.
    pub checked: usize,
    /// Those in the training text.
    pub in_training_text: usize,
    /// Those that were looked up in the text of the base model that the run started from, if it did, directly or not: about
    /// a quarter, because of that text only a filter is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_in_base_text: Option<usize>,
    /// Those of them that were found; fewer than 1 % of the others are among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_base_text: Option<usize>,
    /// Whether the run started from a model whose text is not known here.
    pub has_unknown_text: bool,
}

/// The texts that the first weights of a run come from.
#[derive(Debug, Default, PartialEq)]
pub struct EarlierTexts {
    /// The sequences of the text of a base model, if it is one of them.
    base: Option<NgramFilter>,
    /// Whether there are others.
    has_unknown: bool,
}

impl CopiedWords {
    /// Looks up the sequences of the texts of a sample, which do not go beyond a text, in the training text of `dataset`
    /// and in that of the base, if it is one of the `earlier` texts. `None` if there are too few words in the sample.
    pub fn find(dataset: &TextDataset, sample: &[String], earlier: &EarlierTexts) -> Option<Self> {
        Self::count(sample, &training_texts(dataset), earlier.base.as_ref(), earlier.has_unknown)
    }

    fn count(sample: &[String], training: &[String], base: Option<&NgramFilter>, has_unknown: bool) -> Option<Self> {
        let training = training.iter().map(String::as_str);
        let CopiedShare { checked, found } = CopiedShare::count(sample.iter().map(String::as_str), training);
        let in_base = base.map(|base| {
            let shares = sample.iter().filter_map(|text| base.share(text));
            shares.fold([0, 0], |[checked, found], share| [checked + share.checked, found + share.found])
        });
        let copied = Self {
            checked,
            in_training_text: found,
            checked_in_base_text: in_base.map(|[checked, _]| checked),
            in_base_text: in_base.map(|[_, found]| found),
            has_unknown_text: has_unknown,
        };
        (checked > 0).then_some(copied)
    }

    /// The numbers in one sentence.
    pub fn sentence(&self) -> String {
        let stand = if self.in_training_text == 1 { "stands" } else { "stand" };
        let unknown = match (self.has_unknown_text, self.in_base_text) {
            (false, _) => "",
            (true, None) => "; how many stand in the text of the model that the run started from is not known",
            (true, Some(_)) => "; how many stand in the texts of the runs between is not known",
        };
        format!(
            "Of {} of {} words of the sample, {} {stand} in the training text{}{unknown}.",
            counted(self.checked, "sequence"),
            NgramFilter::LENGTH,
            thousands(self.in_training_text),
            self.in_base()
        )
    }

    /// The part of the sentence about the text of the base, if there is one.
    fn in_base(&self) -> String {
        let text = "the text of the base model that the run started from";
        match (self.checked_in_base_text, self.in_base_text) {
            (Some(0), _) => format!("; none could be compared with {text}"),
            (Some(checked), Some(found)) => {
                let stand = if found == 1 { "stands" } else { "stand" };
                let meaning = if found <= counted_by_mistake(checked) {
                    "no more than the 1 % that is counted by mistake"
                } else {
                    "up to 1 % of the others by mistake"
                };
                format!(
                    "; of {} that could be compared with {text}, {} {stand} there, {meaning}",
                    thousands(checked),
                    thousands(found)
                )
            }
            _ => String::new(),
        }
    }
}

/// How many of so many sequences the filter of the base may find by mistake: the expected 1 % and two standard deviations.
fn counted_by_mistake(checked: usize) -> usize {
    let expected = 0.01 * checked as f64;
    (expected + 2.0 * expected.sqrt()) as usize
}

impl EarlierTexts {
    /// The texts of the model that `run` started from, as `init` says, and of those before it.
    ///
    /// # Errors
    /// If the built-in base cannot be read.
    pub fn of(init: &Init, run: &Path) -> Result<Self> {
        let Some(from) = &init.from else { return Ok(Self::default()) };
        let Some(origin) = initial_model::base_of(run) else { return Ok(Self { base: None, has_unknown: true }) };
        // It may have been deleted or replaced since.
        let is_same = initial_model::manifest_sha256(&origin.model).is_ok_and(|now| now == origin.manifest_sha256);
        let base = if is_same { base::filter_of(&origin.model)? } else { None };
        Ok(Self { has_unknown: base.is_none() || origin.model != *from, base })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use models::bundle::MANIFEST;
    use seqdata::NewTokens;

    use super::*;
    use crate::config::Config;
    use crate::run::init::CONFIG;
    use crate::run::initial_model::base_of;
    use crate::run::provenance::{Origin, Provenance};

    fn init(from: Option<PathBuf>) -> Init {
        Init { from, new_tokens: NewTokens::Error }
    }

    /// As many words as numbers, in their order.
    fn text(numbers: std::ops::Range<usize>) -> String {
        numbers.map(|number| format!("word{number} ")).collect()
    }

    #[test]
    fn copies_from_both_texts_are_counted_apart() {
        let (training, base) = ([text(0..2_000)], NgramFilter::build([text(5_000..7_000).as_str()]));
        let sample = [text(500..900), text(9_000..9_400), text(6_000..6_200)];
        let found = CopiedWords::count(&sample, &training, Some(&base), false).unwrap();
        // A part of n words has n - 7 sequences; the first part is copied.
        assert_eq!((found.checked, found.in_training_text), (393 + 393 + 193, 393));
        let own = |part: &String| base.share(part).unwrap();
        let checked = sample.iter().map(|part| own(part).checked).sum::<usize>();
        assert_eq!(found.checked_in_base_text, Some(checked));
        // All of the last part, and hardly any of the others.
        let last = own(&sample[2]);
        assert!(last.checked > 0 && last.found == last.checked, "{last:?}");
        assert!((last.found..=last.found + checked / 20).contains(&found.in_base_text.unwrap()), "{found:?}");
        let without = CopiedWords::count(&sample, &training, None, false).unwrap();
        assert_eq!(without, CopiedWords { checked_in_base_text: None, in_base_text: None, ..found });
        // Names are no sequences.
        let names = ["Anna".to_string(), "Otto".into()];
        assert_eq!(CopiedWords::count(&names, &training, Some(&base), false), None);
    }

    #[test]
    fn the_sentence_says_what_is_not_known() {
        let sentence = |in_training_text, in_base: Option<[usize; 2]>, has_unknown_text| {
            let [checked_in_base_text, in_base_text] = [0, 1].map(|at| in_base.map(|numbers| numbers[at]));
            CopiedWords { checked: 398, in_training_text, checked_in_base_text, in_base_text, has_unknown_text }
                .sentence()
        };
        let start = "Of 398 sequences of 8 words of the sample, ";
        assert_eq!(sentence(3, None, false), format!("{start}3 stand in the training text."));
        let text = "the text of the base model that the run started from";
        let both = |found: &str| {
            format!("{start}1 stands in the training text; of 98 that could be compared with {text}, {found}")
        };
        let (chance, more) = ("no more than the 1 % that is counted by mistake", "up to 1 % of the others by mistake");
        assert_eq!(sentence(1, Some([98, 2]), false), format!("{}, {chance}.", both("2 stand there")));
        assert_eq!(sentence(1, Some([98, 3]), false), format!("{}, {more}.", both("3 stand there")));
        assert_eq!(
            sentence(1, Some([98, 1]), true),
            format!(
                "{}, {chance}; how many stand in the texts of the runs between is not known.",
                both("1 stands there")
            )
        );
        let none = format!("{start}0 stand in the training text; none could be compared with {text}.");
        assert_eq!(sentence(0, Some([0, 0]), false), none);
        let unknown = "0 stand in the training text; how many stand in the text of the model that the run started from is \
                       not known.";
        assert_eq!(sentence(0, None, true), format!("{start}{unknown}"));
    }

    #[test]
    fn a_run_started_from_the_base_directly_or_through_other_runs() {
        let folder = tempfile::tempdir().unwrap();
        let run = |name: &str, from: Option<&Path>| {
            let directory = folder.path().join(name);
            std::fs::create_dir(&directory).unwrap();
            let config = Config { init: init(from.map(PathBuf::from)), ..Config::default() };
            std::fs::write(directory.join(CONFIG), toml::to_string(&config).unwrap()).unwrap();
            directory
        };
        let built_in = base::filter().unwrap();
        let base = Path::new(base::NAME);
        let first = run("first", Some(base));
        let second = run("second", Some(&first));
        let new = run("new", None);
        // A base that was made of another text, and a run from it.
        let own = NgramFilter::build([text(0..100).as_str()]);
        let own_base = run("own-base", None);
        std::fs::write(own_base.join(base::NGRAMS), own.to_bytes()).unwrap();
        std::fs::write(own_base.join(MANIFEST), "the manifest").unwrap();
        let from_own = run("from-own", Some(&own_base));
        let earlier = |from: Option<&Path>, run: &Path| EarlierTexts::of(&init(from.map(PathBuf::from)), run).unwrap();
        let gone = folder.path().join("none");
        for (number, (from, filter, has_unknown)) in [
            (None, None, false),
            (Some(base), Some(&built_in), false),
            (Some(first.as_path()), Some(&built_in), true),
            (Some(second.as_path()), Some(&built_in), true),
            (Some(own_base.as_path()), Some(&own), false),
            (Some(from_own.as_path()), Some(&own), true),
            (Some(new.as_path()), None, true),
            (Some(gone.as_path()), None, true),
        ]
        .into_iter()
        .enumerate()
        {
            let tested = run(&format!("tested-{number}"), from);
            let expected = EarlierTexts { base: filter.cloned(), has_unknown };
            assert_eq!(earlier(from, &tested), expected, "{from:?}");
        }

        // What was recorded at the start is known without the directories between.
        let record = |run: &Path, from: &Path| {
            let origin = Origin { model: from.into(), manifest_sha256: "1".into(), base: base_of(from) };
            provenance(origin).write(run).unwrap();
        };
        let recorded = run("recorded", Some(&first));
        record(&recorded, &first);
        let later = run("later", Some(&recorded));
        let of_own = run("of-own", Some(&from_own));
        record(&of_own, &from_own);
        std::fs::remove_dir_all(&first).unwrap();
        std::fs::remove_dir_all(&from_own).unwrap();
        for (from, tested, filter) in
            [(&first, &recorded, &built_in), (&recorded, &later, &built_in), (&from_own, &of_own, &own)]
        {
            let expected = EarlierTexts { base: Some(filter.clone()), has_unknown: true };
            assert_eq!(earlier(Some(from), tested), expected, "{tested:?}");
        }
        // Another model in the place of the base has another text.
        std::fs::write(own_base.join(MANIFEST), "another manifest").unwrap();
        assert_eq!(earlier(Some(&from_own), &of_own), EarlierTexts { base: None, has_unknown: true });
    }

    fn provenance(origin: Origin) -> Provenance {
        let hashes = serde_json::json!({
            "program": "pastiche", "burn": "0", "backend": "flex", "threads": 1,
            "seed": 1, "text_sha256": "2", "train_sha256": "3", "valid_sha256": "4",
            "from": origin,
            "machine": { "system": "", "processor": "", "processors": 1, "memory_bytes": 0 },
            "started_unix": 0,
        });
        serde_json::from_value(hashes).unwrap()
    }
}
