//! Model directories, checkpoints and weights of other programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ::models::bundle::NGRAM_COUNTS;
use ::models::interop::{Imported, Layout, export, import as import_weights, read_safetensors, write_safetensors};
use ::models::{
    LanguageModel, LanguageModelConfig, LayerConfig, LmBundle, LmMetadata, Metadata, ModelBundle, Network, StateMode,
};
use burn::tensor::Device;
use generate::{Generator, LabelChoice, Mixture, NgramOrder, Sampling, evaluate_input};
use pastiche::TrainingData;
use qa::{QaDataset, QaDatasetConfig, QaPipeline, QgOptions, QuestionModel, QuestionModelConfig};
use seqdata::hash::sha256;
use seqdata::{DatasetInput, Part, Random, TextDataset, VocabSource};
use serde_json::{Value, json};
use text_prep::Cleaner;
use trainer::{
    AdamConfig, CheckpointPolicy, Checkpoints, Job, Observer, ObserverResult, RunIdentity, StartFrom, StepReport,
    StopFlag, TrainConfig, TrainMode, train,
};

use super::{Case, accepted, binary, one_in, pick, text};

const MANIFEST: &str = "manifest.json";
const OPTIMIZER: &str = "optimizer.bpk";

/// The files of a directory by name.
type Files = BTreeMap<String, Vec<u8>>;

fn device() -> Device {
    kernels::default_device()
}

fn dataset() -> TextDataset {
    let text = "the fox saw the crow, and the crow saw the fox. ".repeat(12);
    let dataset = TextDataset::from_text(text).words().cleaner(Cleaner::preset("keras-lowercase").unwrap());
    let dataset = dataset.vocab_source(VocabSource::WholeText).split(0.2, 0.0).context_len(4);
    dataset.build().unwrap()
}

/// A model with every kind of layer and option.
fn config(dataset: &TextDataset) -> LanguageModelConfig {
    let extended = LayerConfig::lstm(3).cell_norm(true).mogrifier_rounds(2).mogrifier_rank(2);
    let layers = [LayerConfig::lstm(6), LayerConfig::gru(5).layer_norm(true), extended, LayerConfig::rnn(4)];
    let config = LanguageModelConfig::new(dataset.tokenizer.vocabulary.len(), 5, layers.to_vec());
    config.dropout(0.2).projection_dim(5).tie_weights(true)
}

fn read_files(directory: &Path) -> Files {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.path().is_file());
    files.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn write_files(directory: &Path, files: &Files) {
    fs::create_dir_all(directory).unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(directory.join(name), bytes).unwrap());
}

/// Changes one file; `others` are the same files of another run.
fn mutate(random: &mut Random, files: &mut Files, others: &Files) {
    let names: Vec<String> = files.keys().cloned().collect();
    let name = pick(random, &names).clone();
    if one_in(random, 10) {
        let from = if one_in(random, 2) { others } else { &*files };
        let donor = from.get(if one_in(random, 2) { &name } else { pick(random, &names) });
        match donor.cloned() {
            Some(donor) if !one_in(random, 4) => drop(files.insert(name, donor)),
            _ => drop(files.remove(&name)),
        }
        return;
    }
    let bytes = files.remove(&name).unwrap();
    let changed = match Path::new(&name).extension().and_then(|end| end.to_str()) {
        Some("json") => text::json(random, &bytes),
        Some("bpk") => binary::burnpack(random, &bytes),
        Some("safetensors") => binary::safetensors(random, &bytes),
        _ => text::bytes(random, bytes),
    };
    files.insert(name, changed);
    // A later check is reached only if the parts are not bound by a hash.
    if let Some(free) = files.get(OPTIMIZER).and_then(|bytes| binary::without_identity(bytes))
        && !one_in(random, 4)
    {
        files.insert(OPTIMIZER.into(), free);
    }
}

/// Writes the hashes of all files into the manifest, and its own.
fn seal<C: serde::Serialize + serde::de::DeserializeOwned>(files: &mut Files) {
    let manifest = files.get(MANIFEST).and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    let Some(mut manifest) = manifest.filter(Value::is_object) else { return };
    let hashes = files.iter().filter(|(name, _)| *name != MANIFEST);
    let hashes: BTreeMap<&String, String> = hashes.map(|(name, bytes)| (name, sha256(bytes))).collect();
    let metadata = serde_json::from_value::<Metadata<C>>(manifest["about"].clone());
    if let (Ok(metadata), Some(format), Some(program)) =
        (metadata, manifest["format"].as_u64(), manifest["program"].as_str())
    {
        let own = sha256(&serde_json::to_vec(&(format, program, metadata, &hashes)).unwrap());
        manifest["seal"] = json!(own);
    }
    manifest["files"] = json!(hashes);
    files.insert(MANIFEST.into(), manifest.to_string().into());
}

/// Two saved models of the same sizes.
fn saved<M: Network>(folder: &Path, bundle: impl Fn(u64) -> ModelBundle<M>) -> [Files; 2] {
    saved_by(folder, |seed, directory| bundle(seed).save(directory))
}

/// The files of two models of the same sizes, which `save` writes into a directory.
fn saved_by(folder: &Path, save: impl Fn(u64, &Path) -> ::models::Result<()>) -> [Files; 2] {
    [1, 2].map(|seed| {
        let directory = folder.join(format!("base-{seed}"));
        save(seed, &directory).unwrap();
        read_files(&directory)
    })
}

/// Mutates a model directory and calls `read`.
fn directory_case<M: Network>([files, others]: [Files; 2], folder: &Path, read: impl Fn(&Path) + 'static) -> Case {
    let directory: PathBuf = folder.join("case");
    Box::new(move |random| {
        let mut files = files.clone();
        mutate(random, &mut files, &others);
        seal::<M::Config>(&mut files);
        let _ = fs::remove_dir_all(&directory);
        write_files(&directory, &files);
        read(&directory);
    })
}

pub fn model(folder: &Path) -> Case {
    let bundle = text_model();
    model_case(saved(folder, bundle), folder)
}

pub fn int8_model(folder: &Path) -> Case {
    let bundle = text_model();
    model_case(saved_by(folder, |seed, directory| bundle(seed).save_int8(directory)), folder)
}

/// A model of a running text by its seed.
fn text_model() -> impl Fn(u64) -> LmBundle {
    let dataset = dataset();
    move |seed| {
        let config = config(&dataset);
        let model = config.init(seed, &device()).unwrap();
        let metadata = LmMetadata { valid_loss_window: Some(2.0), ..LmMetadata::new(config, 4, seed, String::new()) };
        LmBundle::new(model, dataset.tokenizer.clone(), metadata)
    }
}

fn model_case(files: [Files; 2], folder: &Path) -> Case {
    directory_case::<LanguageModel>(files, folder, |directory| {
        let _ = accepted(::models::bundle::verify(directory));
        let _ = accepted(::models::bundle::read_metadata(directory));
        if let Some(bundle) = accepted(LmBundle::load(directory, &device())) {
            use_model(bundle);
        }
    })
}

/// A model of labelled documents, with the hashes of its training documents and their n-grams.
pub fn document_model(folder: &Path) -> Case {
    let texts: Vec<String> = (0..12).map(|at| format!("the fox saw {} crows", at / 2)).collect();
    let documents: Vec<(&str, Option<&str>)> =
        texts.iter().enumerate().map(|(at, text)| (text.as_str(), [Some("fable"), None][at % 2])).collect();
    let dataset = TextDataset::from_documents(&documents[..]).words().context_len(4).build().unwrap();
    let bundle = move |seed| {
        let vocabulary = &dataset.tokenizer.vocabulary;
        let config = config(&dataset).document_id(vocabulary.document_id()).labels(dataset.label_names());
        let model = config.init(seed, &device()).unwrap();
        let metadata = LmMetadata::new(config, 4, seed, String::new());
        let extra_files = dataset.extra_files().into_iter().map(|(name, bytes)| (name.into(), bytes)).collect();
        let bundle = LmBundle { extra_files, ..LmBundle::new(model, dataset.tokenizer.clone(), metadata) };
        let (training, held_out) = (dataset.ids.slice(dataset.split.train.clone()), dataset.sequence(Part::Valid));
        let mixture = Mixture::fit(&bundle, &training, &held_out, NgramOrder::Tokens(2), StateMode::Carry).unwrap();
        let counts = (NGRAM_COUNTS.to_string(), mixture.to_bytes());
        LmBundle { extra_files: bundle.extra_files.into_iter().chain([counts]).collect(), ..bundle }
    };
    directory_case::<LanguageModel>(saved(folder, bundle), folder, |directory| {
        let Some(generator) = accepted(Generator::load_on(directory, &device())) else { return };
        let mixture = accepted(Mixture::of(generator.bundle())).flatten();
        let generator = generator.with_mixture(mixture);
        let sampling = Sampling::default().max_tokens(5).seed(1);
        let Some(prompt) = accepted(generator.prompt("the fox")) else { return };
        let _ = accepted(generator.generate(&prompt.clone().label("fable"), &sampling));
        let unique =
            generator.unique_documents(&prompt, &sampling, 2).and_then(|unique| unique.collect::<Result<Vec<_>, _>>());
        let _ = accepted(unique);
        let documents = [("the fox saw 1 crows", Some("fable")), ("the crow", None)];
        let (input, mode) = (DatasetInput::documents(&documents[..]), generator.state_mode());
        let _ = accepted(evaluate_input(generator.bundle(), input, LabelChoice::Own, mode));
    })
}

/// Generates and evaluates, with 32-bit and 8-bit weights.
fn use_model(bundle: LmBundle) {
    let sampling = Sampling::default().max_tokens(5).seed(1);
    let generator = Generator::new(bundle);
    let _ = accepted(generator.generate("the fox", &sampling));
    let _ = accepted(generator.evaluate("the fox saw the crow, and the crow saw the fox."));
    if let Some(generator) = accepted(generator.int8()) {
        let _ = accepted(generator.generate("the crow", &sampling));
    }
}

pub fn question_model(folder: &Path) -> Case {
    let path = folder.join("questions.json");
    fs::write(&path, super::inputs::SQUAD).unwrap();
    let data = QaDataset::from_file(path).config(QaDatasetConfig::default().min_count(1)).valid_fraction(0.5);
    let data = data.build().unwrap();
    let bundle = move |seed| {
        let layer = LayerConfig::gru(4).bidirectional(true);
        let sizes = data.train.vocab_sizes;
        let config = QuestionModelConfig::default().vocab_size(sizes.input).decoder_vocab(sizes.output);
        let config = config.embedding_dim(4).feature_dim(2).readout_dim(4).encoder([layer.clone()]).extractor([layer]);
        let config = config.decoder([LayerConfig::lstm(6)]);
        let model = config.init(seed, &device()).unwrap();
        let metadata = Metadata::untrained(QuestionModel::KIND, config, 20, seed, String::new());
        ModelBundle::new(model, data.tokenizer.clone(), metadata)
    };
    directory_case::<QuestionModel>(saved(folder, bundle), folder, |directory| {
        if let Some(pipeline) = accepted(QaPipeline::load_on(directory, &device())) {
            let options = QgOptions::default().max_per_sentence(1).min_confidence(0.0);
            let _ = accepted(pipeline.ask("The fox saw the crow in a tall tree.", &options));
        }
    })
}

/// Stops a run after a step.
struct StopAfter(u64, StopFlag);

impl Observer for StopAfter {
    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        if step.step_of_run == self.0 {
            self.1.request();
        }
        Ok(())
    }
}

/// Trains to `stop_at`, or resumes.
fn run(
    directory: &Path,
    dataset: &TextDataset,
    config: &TrainConfig,
    start: StartFrom,
    stop_at: u64,
) -> trainer::Result<()> {
    let model = self::config(dataset);
    let metadata = LmMetadata::new(model, 4, 1, dataset.valid_sha256());
    let identity = RunIdentity::new(dataset.tokenizer.clone(), metadata);
    let (stop, device) = (StopFlag::default(), device());
    let job = Job::new(dataset, config, identity, directory, &device).stop_flag(stop.clone());
    train(job.observer(StopAfter(stop_at, stop)), start).map(|_| ())
}

/// Mutates a checkpoint within an epoch and resumes from it.
fn checkpoint_case(folder: &Path, config: TrainConfig) -> Case {
    const STEP: u64 = 3;
    let dataset = dataset();
    let [files, others] = [1, 2].map(|seed| {
        let directory = folder.join(format!("base-{seed}"));
        let model = self::config(&dataset).init(seed, &device()).unwrap();
        run(&directory, &dataset, &config, StartFrom::Model(Box::new(model)), STEP).unwrap();
        read_files(&Checkpoints::of(&directory).path(STEP))
    });
    let directory = folder.join("case");
    Box::new(move |random| {
        let mut files = files.clone();
        mutate(random, &mut files, &others);
        seal::<LanguageModelConfig>(&mut files);
        let _ = fs::remove_dir_all(&directory);
        let checkpoints = Checkpoints::of(&directory);
        write_files(&checkpoints.path(STEP), &files);
        let _ = accepted(checkpoints.verify());
        let _ = accepted(checkpoints.progress());
        let _ = accepted(run(&directory, &dataset, &config, StartFrom::Checkpoint, STEP + 2));
    })
}

fn train_config() -> TrainConfig {
    TrainConfig::default().epochs(1).batch_size(4).checkpoint_policy(CheckpointPolicy::default().every_minutes(0.0))
}

pub fn checkpoint_windows(folder: &Path) -> Case {
    checkpoint_case(folder, train_config())
}

pub fn checkpoint_tbptt(folder: &Path) -> Case {
    let config = train_config().mode(TrainMode::Tbptt { bptt_len: 5 }).optimizer(AdamConfig::default());
    checkpoint_case(folder, config.ema_decay(0.9))
}

pub fn import(folder: &Path) -> Case {
    let (device, dataset) = (device(), dataset());
    // Neither layout has LSTMs with options.
    let mut all = config(&dataset);
    all.layers.retain(|layer| !layer.cell_norm);
    let plain = LanguageModelConfig::new(all.vocab_size, 4, vec![LayerConfig::gru(3); 2]);
    let path = folder.join("weights.safetensors");
    let bases = [(Layout::Keras, all), (Layout::Pytorch, plain)].map(|(layout, config)| {
        let model = config.init(1, &device).unwrap();
        write_safetensors(&path, &export(&model, layout).unwrap()).unwrap();
        (layout, config, fs::read(&path).unwrap())
    });
    Box::new(move |random| {
        let (layout, config, bytes) = pick(random, &bases);
        let mut config = config.clone();
        if one_in(random, 6) {
            config = config.embedding_dim(8_192).projection_dim(8_192).layers(vec![LayerConfig::gru(8_192); 2]);
        }
        fs::write(&path, binary::safetensors(random, bytes)).unwrap();
        let imported = accepted(read_safetensors(&path)).and_then(|tensors| {
            let model = config.zeros(&device).unwrap();
            accepted(import_weights(model, *layout, tensors))
        });
        if let Some(Imported { model, .. }) = imported {
            let metadata = LmMetadata::new(config, 4, 1, String::new());
            use_model(LmBundle::new(model, dataset.tokenizer.clone(), metadata));
        }
    })
}
