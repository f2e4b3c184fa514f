//! Texts of a model of labelled documents, with packed weights and with the Burn module.

use burn::tensor::{Int, Tensor};
use models::bundle::DOCUMENT_HASHES;
use models::{LmBundle, StateMode, TokenInput};
use seqdata::{DatasetInput, DocumentHashes, EvaluationText, Loader, Sequence, Streams};

use crate::error::Error;
use crate::test_model::{DOCUMENT, composed, document_generator};
use crate::{
    Generator, LabelChoice, LeftOut, Prompt, Sample, Sampling, Session, carried_protocol, evaluate_input,
    evaluate_sequence,
};

fn engines() -> [Generator; 2] {
    let packed = document_generator();
    [composed(&packed), packed]
}

#[test]
fn a_sample_is_one_document_without_its_token() {
    for generator in engines() {
        let sampling = Sampling::default().max_tokens(30);
        assert_eq!(generator.prompt("").unwrap().ids, [DOCUMENT]);
        let samples: Vec<Sample> = generator.samples("", &sampling, 0..40).unwrap().map(Result::unwrap).collect();
        assert!(samples.iter().any(|sample| sample.ids.len() < 30), "none ended");
        for (number, sample) in samples.iter().enumerate() {
            assert!(!sample.ids.is_empty() && !sample.ids.contains(&DOCUMENT), "{sample:?}");
            assert_eq!(sample.text, generator.tokenizer().decode(&sample.ids));
            assert_eq!(sample, &generator.sample("", &sampling, number as u64).unwrap());
        }
        let pieces: String = generator.stream("", &sampling).unwrap().map(Result::unwrap).collect();
        assert_eq!(pieces, samples[0].text);
        // After a prompt, a document may end at once.
        let after = generator.samples("a", &sampling, 0..40).unwrap();
        assert!(after.map(Result::unwrap).any(|sample| sample.ids.is_empty()));
    }
}

#[test]
fn no_repeated_ngram_keeps_a_document_from_ending() {
    let generator = document_generator();
    // All words are used up: only the document token is left.
    let sampling = Sampling::default().max_tokens(30).no_repeat_ngram(1);
    for sample in generator.samples("", &sampling, 0..10).unwrap() {
        assert!(sample.unwrap().ids.len() < 30);
    }
}

#[test]
fn a_document_token_within_a_prompt_starts_anew() {
    for generator in engines() {
        for state_mode in [StateMode::Carry, StateMode::Window] {
            let logits = |ids: &[u32]| {
                let prompt = Prompt::from(ids.to_vec()).label("two");
                Session::new(&generator, &prompt, state_mode).unwrap().logits().to_vec()
            };
            assert_close(&logits(&[1, 2, DOCUMENT, 3]), &logits(&[DOCUMENT, 3]));
            assert_ne!(logits(&[1, 2, 3]), logits(&[2, 1, 3]));
        }
    }
}

#[test]
fn a_label_gives_the_logits_of_the_model_with_it() {
    for generator in engines() {
        for (label, number) in [(None, 0), (Some("one"), 1), (Some("two"), 2)] {
            assert_eq!(generator.label_number(label).unwrap(), number);
            let LmBundle { model, .. } = generator.bundle();
            let ids = Tensor::<2, Int>::from_ints([[DOCUMENT as i32, 5, 6]], &model.device());
            let input = TokenInput { labels: Some(ids.full_like(number)), ids };
            let expected: Vec<f32> = model.forward_last(input, model.init_state(1)).0.try_into_vec_as().unwrap();
            let prompt = Prompt { label: label.map(Into::into), ..Prompt::from(vec![DOCUMENT]) };
            for state_mode in [StateMode::Carry, StateMode::Window] {
                let mut session = Session::new(&generator, &prompt, state_mode).unwrap();
                session.extend(&[5]).unwrap();
                session.push(6).unwrap();
                assert_close(session.logits(), &expected);
            }
        }
        let sample = |label: &str| {
            let prompt = generator.prompt("").unwrap().label(label);
            generator.generate(&prompt, &Sampling::default()).unwrap()
        };
        assert_ne!(sample("one"), sample("two"));
    }
}

#[test]
fn losses_and_log_probabilities_are_those_of_the_label() {
    let [module, packed] = engines();
    for generator in [module, Generator::new(packed.bundle().clone()).int8().unwrap(), packed] {
        let text = "a é a a é é a";
        let mut losses = Vec::new();
        for label in [None, Some("one"), Some("two")] {
            let scored = generator.token_log_probs_with_label(text, label).unwrap();
            // A document's first token is predicted, too.
            assert_eq!(scored.len(), 7);
            let prompt = Prompt { label: label.map(Into::into), ..generator.prompt(text).unwrap() };
            let end = generator.session(&prompt).unwrap().log_probs()[DOCUMENT as usize];
            // Evaluation predicts the end, too.
            let targets = scored.iter().map(|scored| scored.log_prob).chain([end]);
            let evaluation = generator.evaluate_with_label(text, label).unwrap();
            assert_eq!(evaluation.tokens, 8);
            let expected = -targets.sum::<f64>() / 8.0;
            assert!((evaluation.loss_nats_per_token - expected).abs() < 1e-5, "{evaluation:?} {expected}");
            losses.push(expected);
        }
        assert!((losses[0] - losses[1]).abs() > 1e-4 && (losses[1] - losses[2]).abs() > 1e-4, "{losses:?}");
        assert_eq!(generator.token_log_probs(text).unwrap(), generator.token_log_probs_with_label(text, None).unwrap());
    }
}

#[test]
fn an_unknown_label_is_rejected_before_anything_is_generated() {
    let generator = document_generator();
    let prompt = generator.prompt("a").unwrap().label("three");
    let sampling = Sampling::default();
    let errors = [
        generator.session(&prompt).err(),
        generator.generate(&prompt, &sampling).err(),
        generator.stream(&prompt, &sampling).err(),
        generator.samples(&prompt, &sampling, 0..9).err(),
        generator.evaluate_with_label("a a a a a", Some("three")).err(),
        generator.token_log_probs_with_label("a", Some("three")).err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(Error::UnknownLabel { known, .. }) if known == ["one", "two"]));
    }
    let unlabelled = crate::test_model::generator(crate::test_model::WORDS, None);
    assert!(matches!(unlabelled.session(&prompt).err(), Some(Error::NoLabels { .. })));
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

#[test]
fn documents_are_evaluated_with_their_own_labels_another_one_or_none() {
    let documents = [("a é", Some("two")), ("a a é", None), ("é é", Some("one")), ("é", Some("two"))];
    for generator in engines() {
        let bundle = generator.bundle();
        let evaluate = |documents: &[(&str, Option<&str>)], labels, state_mode| {
            evaluate_input(bundle, DatasetInput::documents(documents), labels, state_mode).unwrap()
        };
        let own = evaluate(&documents, LabelChoice::Own, StateMode::Carry);
        assert_eq!(own.tokens, 12);
        let labels: Vec<_> = own.labels.iter().map(|of_label| of_label.label.as_deref()).collect();
        assert_eq!(labels, [None, Some("one"), Some("two")]);
        assert_eq!(own.labels.iter().map(|of_label| of_label.tokens).collect::<Vec<_>>(), [4, 3, 5]);
        let close = |one: f64, other: f64| assert!((one - other).abs() < 1e-5, "{one} {other}");
        let nats: f64 = own.labels.iter().map(|label| label.tokens as f64 * label.loss_nats_per_token).sum();
        close(own.loss_nats_per_token, nats / 12.0);
        // The documents are independent of one another, and their bytes are those of their texts and line ends.
        let two = evaluate(&[documents[3], documents[0]], LabelChoice::Own, StateMode::Carry);
        close(own.labels[2].loss_nats_per_token, two.loss_nats_per_token);
        close(own.labels[2].bits_per_byte.unwrap(), two.bits_per_byte.unwrap());
        close(two.bits_per_byte.unwrap(), 5.0 * two.loss_nats_per_token / 2f64.ln() / "é\na é\n".len() as f64);

        let with_one = documents.map(|(text, _)| (text, Some("one")));
        let without = documents.map(|(text, _)| (text, None));
        for state_mode in [StateMode::Carry, StateMode::Window] {
            let loss = |documents, labels| evaluate(documents, labels, state_mode).loss_nats_per_token;
            close(loss(&documents, LabelChoice::All("one")), loss(&with_one, LabelChoice::Own));
            close(loss(&documents, LabelChoice::Without), loss(&without, LabelChoice::Own));
            assert!((loss(&documents, LabelChoice::Own) - loss(&without, LabelChoice::Own)).abs() > 1e-4);
        }
        assert!(evaluate(&documents, LabelChoice::All("one"), StateMode::Carry).labels.is_empty());
    }
}

#[test]
fn documents_have_the_same_loss_in_parallel_streams() {
    let texts: Vec<String> = (0..120).map(|n| format!("{} é", "a ".repeat(1 + n % 9))).collect();
    let documents: Vec<(&str, Option<&str>)> = texts.iter().map(|text| (text.as_str(), Some("two"))).collect();
    let generator = document_generator();
    let bundle = generator.bundle();
    let labels = &bundle.metadata.config.labels;
    let text = EvaluationText::read(DatasetInput::documents(&documents[..]), &bundle.tokenizer, labels).unwrap();
    let count = Streams::evaluation_count(&text.sequence, 1);
    assert!(count > 3, "{count}");
    let loss = |count| {
        let streams = Streams::parallel_evaluation(text.sequence.clone(), 1, count).unwrap();
        let protocol = carried_protocol(&streams, 5, true);
        assert_eq!(protocol, "carried state: each token is predicted from the tokens of its document before it");
        models::evaluate(&bundle.model, &Loader::streams(streams, bundle.model.device())).unwrap().nats_per_token()
    };
    assert!((loss(count) - loss(1)).abs() < 1e-5, "{} {}", loss(count), loss(1));
    let evaluated = evaluate_sequence(bundle, &text.sequence, 0, LabelChoice::Own, StateMode::Carry).unwrap();
    assert!((evaluated.loss_nats_per_token - loss(1)).abs() < 1e-5);
    // A running text has no starts of documents.
    let running = Sequence::new(std::sync::Arc::new((0..900).map(|_| 1).collect()), 0..900);
    let streams = Streams::parallel_evaluation(running, 5, 2).unwrap();
    assert!(carried_protocol(&streams, 5, false).ends_with("; 2 parallel streams, each after a warm-up of 256 tokens"));
}

#[test]
fn unique_documents_are_the_best_of_several_texts() {
    for generator in engines() {
        let sampling = Sampling::default().temperature(1.5).max_tokens(3).best_of(3);
        let mut bundle = generator.bundle().clone();
        let best: Vec<Sample> = generator.samples("a", &sampling, 0..60).unwrap().map(Result::unwrap).collect();
        let hashes = DocumentHashes::of(&[format!("a{}", best[0].text)]).to_bytes();
        bundle.extra_files.insert(DOCUMENT_HASHES.into(), hashes);
        let generator = Generator::new(bundle);
        let mut unique = generator.unique_documents("a", &sampling, 4).unwrap();
        let found: Vec<Sample> = unique.by_ref().map(Result::unwrap).collect();
        let mut expected: Vec<Sample> = Vec::new();
        for sample in best.iter().filter(|sample| sample.text != best[0].text) {
            if expected.len() < 4 && expected.iter().all(|one| one.text != sample.text) {
                expected.push(sample.clone());
            }
        }
        assert_eq!(found, expected);
        assert!(found.iter().all(|sample| sample.log_prob_per_token.is_some()), "{found:?}");
        assert!(unique.left_out().in_training_text > 0);
        // Two of three texts are not kept.
        let kept: usize = found.iter().map(|sample| sample.ids.len()).sum();
        assert!(unique.sampled_tokens() > 2 * kept, "{} of {kept}", unique.sampled_tokens());
    }
}

#[test]
fn unique_documents_are_new_and_different() {
    for generator in engines() {
        let sampling = Sampling::default().max_tokens(3);
        let prompt = generator.prompt("a").unwrap().label("two");
        let error = generator.unique_documents(&prompt, &sampling, 20).err();
        assert!(matches!(error, Some(Error::NoDocumentHashes)));
        let drawn: Vec<Sample> = generator.samples(&prompt, &sampling, 0..500).unwrap().map(Result::unwrap).collect();
        let document = |sample: &Sample| format!("a{}", sample.text);
        let training = [document(&drawn[0]), document(&drawn[1])];

        let mut bundle = generator.bundle().clone();
        let hashes = DocumentHashes::of(&training).to_bytes();
        bundle.extra_files.insert(DOCUMENT_HASHES.into(), hashes);
        let generator = Generator::new(bundle);
        let mut unique = generator.unique_documents(&prompt, &sampling, 20).unwrap();
        let found: Vec<Sample> = unique.by_ref().map(Result::unwrap).collect();
        assert_eq!((found.len(), unique.missing()), (20, 0));

        let (mut expected, mut left_out) = (Vec::new(), LeftOut::default());
        for sample in drawn.iter() {
            if expected.len() == 20 {
                break;
            } else if training.contains(&document(sample)) {
                left_out.in_training_text += 1;
            } else if expected.iter().any(|one: &Sample| one.text == sample.text) {
                left_out.repeated += 1;
            } else {
                expected.push(sample.clone());
            }
        }
        assert_eq!(found, expected);
        assert_eq!(unique.left_out(), left_out);
        // All that were drawn were sampled, but for the ends of documents.
        let of_drawn = |count: usize| drawn[..count].iter().map(|sample| sample.ids.len()).sum::<usize>();
        assert!(unique.sampled_tokens() >= of_drawn(20 + left_out.in_training_text + left_out.repeated));
        assert!(left_out.in_training_text >= 2 && left_out.repeated > 0, "{left_out:?}");

        // There are not that many different documents of a single token.
        let mut few = generator.unique_documents(&prompt, &sampling.max_tokens(1), 50).unwrap();
        let found = few.by_ref().count();
        assert!(found < 50 && few.missing() == 50 - found, "{found}");
        let LeftOut { in_training_text, repeated } = few.left_out();
        assert_eq!(found + in_training_text + repeated, 5_000);
    }
    let running = crate::test_model::generator(crate::test_model::WORDS, None);
    let error = running.unique_documents("a", &Sampling::default(), 1).err();
    assert!(matches!(error, Some(Error::NotDocuments)));
}
