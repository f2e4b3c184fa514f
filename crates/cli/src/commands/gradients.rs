//! `gradients`: measures how far back gradients reach, as a table and a chart.

use std::path::Path;
use std::time::Duration;

use args::Gradients;
use burn::data::dataloader::DataLoader;
use burn::tensor::{Device, Int, Tensor, TensorData};
use models::{
    Activation, CellKind, GradientReach, LanguageModel, LanguageModelConfig, LayerConfig, LmBundle, Network,
    TokenInput, evaluate,
};
use plotters::prelude::SeriesLabelPosition;
use seqdata::{Loader, Order, Part, RecallTask, TextDataset, Windows};
use serde::Serialize;
use trainer::{AdamConfig, Clip, FitLimit, TrainConfig, TrainMode, endless_windows, fit};

use super::load_model;
use super::own_text::{OTHER_TEXT, own_text};
use crate::config::{LmExperiment, read};
use crate::device::BackendSelection;
use crate::error::{Result, bail};
use crate::output::{print, print_json, status, warn};
use crate::report::chart::{self, ChartOptions, Series};
use crate::run::directory;
use crate::view::format::{counted, decimals, short_number};

/// The maximum number of held-out windows that the gradients are averaged over.
const WINDOWS: usize = 256;
/// Windows per batch.
const BATCH_SIZE: usize = 64;
/// Windows per batch for the validation loss.
const LOSS_BATCH_SIZE: usize = 256;
/// The maximum number of held-out windows for the validation loss.
const LOSS_WINDOWS: usize = 8_192;
/// The lags in the table.
const TABLE_LAGS: [usize; 8] = [0, 1, 2, 5, 10, 20, 30, 40];

/// The cells that are trained if no model is given.
const CELLS: [(&str, CellKind); 3] = [
    ("RNN", CellKind::Elman(Activation::Tanh)),
    ("LSTM", CellKind::Lstm),
    ("GRU", CellKind::Gru { reset_after: true }),
];

/// Relative gradient norms of one model by lag.
#[derive(Serialize)]
struct Curve {
    name: String,
    /// ‖∂(v · h_T) / ∂x_{T−k}‖ over its value at k = 0, as trained.
    trained: Vec<f64>,
    /// The same with initial weights.
    untrained: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recall: Option<Vec<f64>>,
}

#[derive(Serialize)]
struct Report {
    curves: Vec<Curve>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recall_gaps: Option<[usize; 5]>,
    /// The accuracy of guessing in the recall task.
    #[serde(skip_serializing_if = "Option::is_none")]
    recall_chance: Option<f64>,
    picture: String,
}

/// Runs the command.
pub fn run(args: &Gradients, backend: &BackendSelection) -> Result<()> {
    let max_lag = args.max_lag;
    if !(1..=4_096).contains(&max_lag) {
        bail!("`--max-lag` is {max_lag}; expected 1 to 4096");
    }
    let limit = limit(args)?;
    let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let folder = folder.display();
        bail!("`--out` is in {folder}, which is not a folder: create it first");
    }
    let device = backend.open()?;
    let mut curves = if args.model.is_empty() {
        train_cells(args, limit, backend, &device)?
    } else {
        measure_models(args, backend, &device)?
    };
    if args.recall {
        measure_recall(&mut curves, args, backend, &device)?;
    }
    let picture = args.out.display().to_string();
    // The results took minutes, so print them before drawing, which may fail.
    let drawing = curves.iter().map(Curve::lines).collect::<Vec<_>>();
    if args.json {
        print_json(&Report {
            curves,
            recall_gaps: args.recall.then_some(GAPS),
            recall_chance: args.recall.then_some(CHANCE),
            picture: picture.clone(),
        })?;
    } else {
        print(&table(&curves, max_lag))?;
    }
    draw(&args.out, max_lag, drawing)?;
    status(&format!("chart: {picture}"));
    Ok(())
}

/// The training limit of each cell.
fn limit(args: &Gradients) -> Result<FitLimit> {
    match args.steps {
        Some(0) => bail!("`--steps` is 0; expected 1 or more"),
        Some(steps) => Ok(FitLimit::Steps(steps)),
        None if args.seconds > 0.0 && args.seconds <= 1e6 => {
            Ok(FitLimit::Time(Duration::from_secs_f64(args.seconds / CELLS.len() as f64)))
        }
        None => bail!("`--seconds` is {}; expected a number above 0 and at most 1000000", short_number(args.seconds)),
    }
}

/// Trains an RNN, an LSTM and a GRU of the configuration's size on its text and measures each.
fn train_cells(args: &Gradients, limit: FitLimit, backend: &BackendSelection, device: &Device) -> Result<Vec<Curve>> {
    let (config, _) = read(&args.config)?;
    let experiment = LmExperiment::new(config, None)?;
    warn(&experiment.warnings);
    if experiment.train.mode != TrainMode::Windows {
        bail!(
            "`train.mode` is `tbptt`, but `gradients` trains its three cells by windows: give trained models \
             with `--model`, or another configuration"
        );
    }
    let dataset = &experiment.dataset;
    let windows = held_out_windows(dataset, args.max_lag, device)?;
    // By window, as in training: a carried state may leave the range of states seen in training.
    let held_out = Loader::windows(dataset.valid_windows(), LOSS_BATCH_SIZE, Order::Sequential, device.clone());
    let held_out = held_out.slice(0, held_out.num_items().min(LOSS_WINDOWS));
    let seed = experiment.config.seed;
    let units = experiment.model.layers.last().map_or(256, |layer| layer.units);
    let mut curves = Vec::new();
    for (name, kind) in CELLS {
        // Without pretrained word vectors.
        let config = experiment.model.clone().layers([LayerConfig::new(kind, units)]).frozen_embedding(false);
        let initial = config.init(seed, device)?.with_kernels(backend.kernels());
        let untrained = gradient_reach(&initial, &windows, args.max_lag, seed)?;
        status(&format!("training {name}"));
        let model = fit(initial, endless_windows(dataset, &experiment.train, device), &experiment.train, limit)?;
        let loss = evaluate(&model, &*held_out).map_err(models::Error::from)?.nats_per_token();
        status(&format!("{name} has a validation loss of {} nats/token by window", decimals(loss, 3)));
        let trained = gradient_reach(&model, &windows, args.max_lag, seed)?;
        curves.push(Curve { name: name.into(), trained, untrained, recall: None });
    }
    Ok(curves)
}

/// Measures the given models, each on its own held-out text.
fn measure_models(args: &Gradients, backend: &BackendSelection, device: &Device) -> Result<Vec<Curve>> {
    let mut curves = Vec::new();
    for directory in &args.model {
        let resolved = directory::resolve_model(directory);
        let bundle: LmBundle = load_model(&resolved, backend, device)?;
        let windows = held_out_windows(&own_text(&bundle, &resolved, OTHER_TEXT)?.dataset, args.max_lag, device)?;
        let metadata = &bundle.metadata;
        let initial = metadata.config.init(metadata.seed, device)?.with_kernels(backend.kernels());
        curves.push(Curve {
            name: directory.display().to_string(),
            trained: gradient_reach(&bundle.model, &windows, args.max_lag, metadata.seed)?,
            untrained: gradient_reach(&initial, &windows, args.max_lag, metadata.seed)?,
            recall: None,
        });
    }
    Ok(curves)
}

/// Windows of held-out ids with the labels of their documents, evenly spaced in the validation split, in batches
/// `[N, max_lag + 1]`.
fn held_out_windows(dataset: &TextDataset, max_lag: usize, device: &Device) -> Result<Vec<TokenInput>> {
    let windows = Windows::over(dataset.sequence(Part::Valid), max_lag + 1, 1);
    if windows.is_empty() {
        bail!(
            "the held-out text has {}, but a lag of {max_lag} needs {}: lower `--max-lag`, or use a \
             longer text",
            counted(dataset.split.valid.len(), "token"),
            max_lag + 2
        );
    }
    let count = windows.len().min(WINDOWS);
    let items: Vec<usize> = (0..count).map(|at| at * windows.len() / count).collect();
    let batch = |items: &[usize]| {
        let tensor = |numbers: Vec<u32>| -> Tensor<2, Int> {
            let numbers: Vec<i32> = numbers.into_iter().map(|number| number as i32).collect();
            Tensor::from_data(TensorData::new(numbers, [items.len(), max_lag + 1]), device)
        };
        let labels: Option<Vec<_>> = items.iter().map(|&item| windows.labels(item)).collect();
        TokenInput {
            ids: tensor(items.iter().flat_map(|&item| windows.input(item)).collect()),
            labels: labels.map(|labels| tensor(labels.into_iter().flatten().collect())),
        }
    };
    Ok(items.chunks(BATCH_SIZE).map(batch).collect())
}

fn gradient_reach(model: &LanguageModel, windows: &[TokenInput], max_lag: usize, seed: u64) -> Result<Vec<f64>> {
    let mut reach = GradientReach::new(max_lag);
    for input in windows {
        reach.accumulate(model, input.clone(), seed).map_err(models::Error::from)?;
    }
    Ok(reach.relative_norms())
}

/// The gaps of the recall task.
const GAPS: [usize; 5] = [5, 10, 20, 40, 80];
const CUES: u32 = 8;
const CHANCE: f64 = 1.0 / CUES as f64;
const RECALL_STEPS: u64 = 600;
const RECALL_SEED: u64 = 1;

/// Trains each cell at each gap to recall a cue, and adds the accuracies to the curves.
fn measure_recall(curves: &mut [Curve], args: &Gradients, backend: &BackendSelection, device: &Device) -> Result<()> {
    let config = TrainConfig::default()
        .seed(RECALL_SEED)
        .optimizer(AdamConfig::default())
        .learning_rate(0.005)
        .clip(Clip::GlobalNorm(1.0));
    let autodiff = device.clone().autodiff();
    for (curve, (name, kind)) in curves.iter_mut().zip(CELLS) {
        status(&format!("training {name} on the recall task"));
        let mut accuracies = Vec::new();
        for gap in GAPS {
            let task = RecallTask { cues: CUES, gap };
            let model_config = LanguageModelConfig::new(task.vocab_size(), 16, vec![LayerConfig::new(kind, 64)]);
            let initial = model_config.init(RECALL_SEED, device)?.with_kernels(backend.kernels());
            let batches = (0..).map(|step| task.batch(32, RECALL_SEED, step, &autodiff));
            let model = fit(initial, batches, &config, FitLimit::Steps(args.steps.unwrap_or(RECALL_STEPS)))?;
            accuracies.push(recall_accuracy(&model, task, device)?);
        }
        curve.recall = Some(accuracies);
    }
    Ok(())
}

/// The fraction of new sequences whose cue the model recalls.
fn recall_accuracy(model: &LanguageModel, task: RecallTask, device: &Device) -> Result<f64> {
    // No training reaches this step, so the sequences are new.
    let batch = task.batch(256, RECALL_SEED, u64::MAX, device);
    let (logits, _) = model.forward_last(batch.inputs, model.init_state(256));
    let correct = logits.argmax(1).equal(batch.targets).int().sum();
    let correct = correct.try_into_scalar::<f64>().map_err(models::Error::from)?;
    Ok(correct / 256.0)
}

impl Curve {
    /// A line for trained weights and a dotted one for initial weights; colours are set later.
    fn lines(&self) -> [Series; 2] {
        let points = |norms: &[f64]| norms.iter().enumerate().map(|(k, &y)| (k as f64, y)).collect();
        let line = |name: String, norms: &[f64], dotted| Series { name, points: points(norms), colour: 0, dotted };
        [
            line(self.name.clone(), &self.trained, false),
            line(format!("{}, untrained", self.name), &self.untrained, true),
        ]
    }
}

fn draw(path: &Path, max_lag: usize, lines: Vec<[Series; 2]>) -> Result<()> {
    let coloured = |(colour, lines): (usize, [Series; 2])| lines.map(|line| Series { colour, ..line });
    let series: Vec<Series> = lines.into_iter().enumerate().flat_map(coloured).collect();
    let options = ChartOptions {
        title: &format!("How far back gradients reach, up to a lag of {max_lag}"),
        x_label: "lag k",
        y_label: "gradient norm, relative to k = 0",
        y_range: (1e-6, 10.0),
        log_y: true,
        legend: SeriesLabelPosition::LowerLeft,
    };
    chart::draw(path, &options, &series)
}

fn table(curves: &[Curve], max_lag: usize) -> String {
    let mut lines = String::new();
    let width = curves.iter().map(|curve| curve.name.chars().count()).max().unwrap_or(0).max(12);
    let mut line = |first: &str, cells: Vec<String>| {
        lines.push_str(&format!("{first:<14}"));
        cells.iter().for_each(|cell| lines.push_str(&format!("  {cell:>width$}")));
        lines.push('\n');
    };
    line("lag", curves.iter().map(|curve| curve.name.clone()).collect());
    for k in TABLE_LAGS.into_iter().filter(|&k| k < max_lag).chain([max_lag]) {
        line(&k.to_string(), curves.iter().map(|curve| format_norm(curve.trained[k])).collect());
    }
    if curves.iter().any(|curve| curve.recall.is_some()) {
        line("", Vec::new());
        line("recall at gap", curves.iter().map(|curve| curve.name.clone()).collect());
        for (at, gap) in GAPS.into_iter().enumerate() {
            let accuracy = |curve: &Curve| curve.recall.as_ref().map_or(0.0, |values| values[at]);
            let cells = curves.iter().map(|curve| format!("{:.1} %", 100.0 * accuracy(curve)));
            line(&gap.to_string(), cells.collect());
        }
        line("chance", vec![format!("{:.1} %", 100.0 * CHANCE); curves.len()]);
    }
    lines
}

/// Four decimals, or scientific notation for smaller values.
fn format_norm(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        _ if value >= 0.001 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_out_windows_have_the_labels_of_their_documents() {
        let documents: &[(&str, Option<&str>)] =
            &[("a b c d", Some("x")), ("b c d a", Some("y")), ("c d a b", Some("x")), ("d a b c", Some("y"))];
        let valid = seqdata::DatasetInput::documents(&documents[..2]);
        let dataset = TextDataset::from_documents(documents).valid(valid).build().unwrap();
        let windows = held_out_windows(&dataset, 4, &Device::flex()).unwrap();
        let values = |tensor: Tensor<2, Int>| tensor.into_data().iter::<u32>().collect::<Vec<_>>();
        let sequence = dataset.sequence(Part::Valid);
        let [ids, labels] = [sequence.ids(0..11).collect::<Vec<_>>(), sequence.labels(0..11).collect()];
        let rows = |all: &[u32]| all[..10].windows(5).flatten().copied().collect::<Vec<_>>();
        assert_eq!(windows.len(), 1);
        let TokenInput { ids: input, labels: input_labels } = windows[0].clone();
        assert_eq!((values(input), values(input_labels.unwrap())), (rows(&ids), rows(&labels)));
        assert_eq!(labels[..10], [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    }
}
