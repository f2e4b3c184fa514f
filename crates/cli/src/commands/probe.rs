//! `probe`: how much of the past each network still hears, as a table and a picture.

use std::path::Path;
use std::time::Duration;

use args::Probe;
use burn::data::dataloader::DataLoader;
use burn::tensor::{Device, Int, Tensor, TensorData};
use models::hearing::Hearing;
use models::{
    Activation, Artifact, CellKind, LanguageModel, LanguageModelConfig, LayerConfig, score,
};
use seqdata::{Loader, Order, Prepared, Recall, Windows};
use serde::Serialize;
use trainer::{
    AdamConfig, Clip, Limit, Method, OptimizerConfig, TrainConfig, endless_windows, train_briefly,
};

use super::evaluate::own_text;
use crate::config::{Resolved, read};
use crate::device::Choice;
use crate::error::{Error, Result};
use crate::output::{print, print_json, tell, warn};
use crate::report::chart::{self, Corner, Frame, Series};

/// Rows of held-out text that are listened to.
const ROWS: usize = 256;
/// Rows at once.
const BATCH: usize = 64;
/// Windows of held-out text that the loss is measured on, at most.
const SCORED: usize = 8_192;
/// The steps back that the table shows.
const SHOWN: [usize; 8] = [0, 1, 2, 5, 10, 20, 30, 40];

/// The cells that are trained where no model is named.
const FAMILY: [(&str, CellKind); 3] = [
    ("RNN", CellKind::Elman(Activation::Tanh)),
    ("LSTM", CellKind::Lstm),
    ("GRU", CellKind::Gru { reset_after: true }),
];

/// What one network hears, by steps back.
#[derive(Serialize)]
struct Curve {
    name: String,
    /// ‖∂(v · h_T) / ∂x_{T−k}‖ over its value at k = 0, as trained.
    trained: Vec<f64>,
    /// The same with fresh weights.
    untrained: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recall: Option<Vec<f64>>,
}

#[derive(Serialize)]
struct Report {
    curves: Vec<Curve>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recall_gaps: Option<[usize; 5]>,
    picture: String,
}

/// Runs the command.
pub fn run(args: &Probe, choice: &Choice) -> Result<()> {
    if args.back == 0 || args.back > 4_096 {
        let back = args.back;
        return Err(Error::new(format!("`--back` is {back}; expected 1 to 4096")));
    }
    let limit = limit(args)?;
    let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let folder = folder.display();
        return Err(Error::new(format!(
            "`--out` is in {folder}, which is no folder: make it first"
        )));
    }
    let device = choice.open()?;
    let mut curves = match args.model.is_empty() {
        true => family(args, limit, &device)?,
        false => named(args, &device)?,
    };
    if args.recall {
        recall(&mut curves, args, &device)?;
    }
    let picture = args.out.display().to_string();
    // What took minutes to measure is told before anything can go wrong with the picture.
    let drawing = curves.iter().map(Curve::lines).collect::<Vec<_>>();
    match args.json {
        true => {
            let recall_gaps = args.recall.then_some(GAPS);
            print_json(&Report { curves, recall_gaps, picture: picture.clone() })?;
        }
        false => print(&table(&curves, args.back))?,
    }
    draw(&args.out, args.back, drawing)?;
    tell(&format!("drawn: {picture}"));
    Ok(())
}

/// How long each of the three is trained.
fn limit(args: &Probe) -> Result<Limit> {
    match args.steps {
        Some(0) => Err(Error::new("`--steps` is 0; expected 1 or more")),
        Some(steps) => Ok(Limit::Steps(steps)),
        None if args.seconds > 0.0 && args.seconds <= 1e6 => {
            Ok(Limit::Time(Duration::from_secs_f64(args.seconds / FAMILY.len() as f64)))
        }
        None => Err(Error::new(format!(
            "`--seconds` is {}; expected a number above 0 and at most 1000000",
            args.seconds
        ))),
    }
}

/// RNN, LSTM and GRU of the configuration's sizes, trained on its text.
fn family(args: &Probe, limit: Limit, device: &Device) -> Result<Vec<Curve>> {
    let (config, _) = read(&args.config)?;
    let resolved = Resolved::new(config)?;
    warn(&resolved.warnings);
    if resolved.train.method != Method::Windows {
        return Err(Error::new(
            "`train.method` is `every-step`, and `probe` trains its three by windows: name trained \
             models by `--model`, or another configuration",
        ));
    }
    let prepared = &resolved.prepared;
    let rows = rows(prepared, args.back, device)?;
    // By window, as they are trained: a state that is carried on may grow out of what was taught.
    let order = Order::Sequential;
    let held_out = Loader::windows(prepared.valid_windows(), ROWS, order, device.clone());
    let held_out = held_out.slice(0, held_out.num_items().min(SCORED));
    let seed = resolved.config.seed;
    let units = resolved.model.layers.last().map_or(256, |layer| layer.units);
    let mut curves = Vec::new();
    for (name, kind) in FAMILY {
        let blueprint = LanguageModelConfig {
            layers: vec![LayerConfig::new(kind, units)],
            // They begin as they are drawn, without word vectors.
            frozen_embedding: false,
            ..resolved.model.clone()
        };
        let fresh = blueprint.init(seed, device)?;
        let untrained = listen(&fresh, &rows, args.back, seed)?;
        tell(&format!("training {name}"));
        let batches = endless_windows(prepared, &resolved.train, device);
        let model = train_briefly(fresh, batches, &resolved.train, limit)?;
        let loss = score(&model, &*held_out).map_err(models::Error::from)?.nats_per_token();
        tell(&format!("{name} reached a validation loss of {loss:.3} nats a token by window"));
        let trained = listen(&model, &rows, args.back, seed)?;
        curves.push(Curve { name: name.into(), trained, untrained, recall: None });
    }
    Ok(curves)
}

/// The models that were named, each on its own held-out text.
fn named(args: &Probe, device: &Device) -> Result<Vec<Curve>> {
    let mut curves = Vec::new();
    for directory in &args.model {
        let artifact = Artifact::load(directory, device)?;
        let prepared = own_text(&artifact)?.prepared;
        let rows = rows(&prepared, args.back, device)?;
        let about = &artifact.about;
        let fresh = about.model.init(about.seed, device)?;
        curves.push(Curve {
            name: directory.display().to_string(),
            trained: listen(&artifact.model, &rows, args.back, about.seed)?,
            untrained: listen(&fresh, &rows, args.back, about.seed)?,
            recall: None,
        });
    }
    Ok(curves)
}

/// Windows of held-out ids, spread evenly over the validation split, in batches `[N, back + 1]`.
fn rows(prepared: &Prepared, back: usize, device: &Device) -> Result<Vec<Tensor<2, Int>>> {
    let windows = Windows::new(prepared.ids.clone(), prepared.split.valid.clone(), back + 1, 1);
    if windows.is_empty() {
        return Err(Error::new(format!(
            "the held-out text holds {} tokens, and looking {back} steps back needs {}: lower \
             `--back`, or take a longer text",
            prepared.split.valid.len(),
            back + 2
        )));
    }
    let count = windows.len().min(ROWS);
    let spread: Vec<usize> = (0..count).map(|at| at * windows.len() / count).collect();
    let lift = |items: &[usize]| {
        let ids: Vec<i32> =
            items.iter().flat_map(|&item| windows.input(item)).map(|id| id as i32).collect();
        Tensor::from_data(TensorData::new(ids, [items.len(), back + 1]), device)
    };
    Ok(spread.chunks(BATCH).map(lift).collect())
}

fn listen(
    model: &LanguageModel,
    rows: &[Tensor<2, Int>],
    back: usize,
    seed: u64,
) -> Result<Vec<f64>> {
    let mut hearing = Hearing::new(back);
    for ids in rows {
        hearing.listen(model, ids.clone(), seed).map_err(models::Error::from)?;
    }
    Ok(hearing.relative())
}

/// The gaps of the task of recall.
const GAPS: [usize; 5] = [5, 10, 20, 40, 80];
const CUES: u32 = 8;
const RECALL_STEPS: u64 = 600;
const RECALL_SEED: u64 = 1;

/// Trains each cell at each gap to answer which cue it heard, and adds its accuracy to the curves.
fn recall(curves: &mut [Curve], args: &Probe, device: &Device) -> Result<()> {
    let adam = OptimizerConfig::Adam(AdamConfig::default());
    let config = TrainConfig {
        seed: RECALL_SEED,
        clip: Some(Clip::GlobalNorm(1.0)),
        ..TrainConfig::new(Method::Windows, 32, 0.005, adam)
    };
    let autodiff = device.clone().autodiff();
    for (curve, (name, kind)) in curves.iter_mut().zip(FAMILY) {
        tell(&format!("{name} learns to recall"));
        let mut accuracies = Vec::new();
        for gap in GAPS {
            let task = Recall { cues: CUES, gap };
            let layers = vec![LayerConfig::new(kind, 64)];
            let blueprint = LanguageModelConfig::new(task.vocabulary(), 16, layers);
            let fresh = blueprint.init(RECALL_SEED, device)?;
            let batches = (0..).map(|step| task.batch(32, RECALL_SEED, step, &autodiff));
            let steps = args.steps.unwrap_or(RECALL_STEPS);
            let model = train_briefly(fresh, batches, &config, Limit::Steps(steps))?;
            accuracies.push(answer(&model, task, device)?);
        }
        curve.recall = Some(accuracies);
    }
    Ok(())
}

/// The share of fresh sequences that a model answers rightly.
fn answer(model: &LanguageModel, task: Recall, device: &Device) -> Result<f64> {
    // No training has this many steps.
    let batch = task.batch(256, RECALL_SEED, u64::MAX, device);
    let (logits, _) = model.next(batch.inputs, model.start(256));
    let right = logits.argmax(1).equal(batch.targets).int().sum();
    let right = right.try_into_scalar::<f64>().map_err(models::Error::from)?;
    Ok(right / 256.0)
}

impl Curve {
    /// Its line as trained and its dots as drawn, in no colour yet.
    fn lines(&self) -> [Series; 2] {
        let points =
            |heard: &[f64]| heard.iter().enumerate().map(|(k, &y)| (k as f64, y)).collect();
        let line = |name: String, heard: &[f64], dotted| Series {
            name,
            points: points(heard),
            colour: 0,
            dotted,
        };
        [
            line(self.name.clone(), &self.trained, false),
            line(format!("{}, untrained", self.name), &self.untrained, true),
        ]
    }
}

fn draw(path: &Path, back: usize, lines: Vec<[Series; 2]>) -> Result<()> {
    let coloured =
        |(colour, lines): (usize, [Series; 2])| lines.map(|line| Series { colour, ..line });
    let series: Vec<Series> = lines.into_iter().enumerate().flat_map(coloured).collect();
    let frame = Frame {
        title: &format!("What the last output owes to the input up to {back} steps back"),
        across: "steps back, k",
        upwards: "gradient norm, relative to k = 0",
        values: (1e-6, 10.0),
        logarithmic: true,
        legend: Corner::LowerLeft,
    };
    chart::draw(path, &frame, &series)
}

fn table(curves: &[Curve], back: usize) -> String {
    let mut lines = String::new();
    let width = curves.iter().map(|curve| curve.name.chars().count()).max().unwrap_or(0).max(12);
    let mut line = |first: &str, cells: Vec<String>| {
        lines.push_str(&format!("{first:<14}"));
        cells.iter().for_each(|cell| lines.push_str(&format!("  {cell:>width$}")));
        lines.push('\n');
    };
    line("steps back", curves.iter().map(|curve| curve.name.clone()).collect());
    for k in SHOWN.into_iter().filter(|&k| k < back).chain([back]) {
        line(&k.to_string(), curves.iter().map(|curve| number(curve.trained[k])).collect());
    }
    if curves.iter().any(|curve| curve.recall.is_some()) {
        line("", Vec::new());
        line("recall at gap", curves.iter().map(|curve| curve.name.clone()).collect());
        for (at, gap) in GAPS.into_iter().enumerate() {
            let share = |curve: &Curve| curve.recall.as_ref().map_or(0.0, |shares| shares[at]);
            let cells = curves.iter().map(|curve| format!("{:.1} %", 100.0 * share(curve)));
            line(&gap.to_string(), cells.collect());
        }
        line("chance", vec![format!("{:.1} %", 100.0 / f64::from(CUES)); curves.len()]);
    }
    lines
}

/// Four digits behind the point, or a power of ten for what they would hide.
fn number(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        _ if value >= 0.001 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}
