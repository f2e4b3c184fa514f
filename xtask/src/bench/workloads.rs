//! The workloads by name, and the number of floating-point operations of a training step.

use args::Backend;

/// One thing to measure.
#[derive(Debug, PartialEq)]
pub struct Workload {
    /// As `--only` and the workers spell it
    pub name: &'static str,
    /// What is measured, and in which programs
    pub kind: Kind,
    /// Where it is measured by default
    pub hardware: Hardware,
}

/// Where a workload is measured by default.
#[derive(Debug, PartialEq)]
pub enum Hardware {
    /// CPU and GPU
    Any,
    /// CPU only: no GPU takes part
    Cpu,
    /// GPU only: smaller workloads leave it idle
    Gpu,
}

/// What is measured, and in which programs.
#[derive(Debug, PartialEq)]
pub enum Kind {
    /// Training steps, in every program
    Train(Sizes),
    /// Generated tokens, in every program
    Generate,
    /// Fused multiply-adds in registers, in ours: the peak of the machine
    Fma,
    /// Products of [`GEMM`] x [`GEMM`] matrices, in ours and in NumPy
    Gemm,
    /// Preparation of a text of [`TEXT_MEGABYTES`], in ours
    Prepare,
    /// Peak memory of a training process, in ours
    Memory,
    /// From process start to the first token, in ours
    FirstToken,
}

/// The sizes of a model and its batch.
#[derive(Debug, PartialEq)]
pub struct Sizes {
    /// Rows of a batch, N
    pub batch: u64,
    /// Steps of a window, T
    pub time: u64,
    /// Vocabulary size, V
    pub vocabulary: u64,
    /// Embedding dimension, D
    pub embedding: u64,
    /// Weight blocks of a cell, G: 4 in an LSTM, 3 in a GRU, 1 in a vanilla RNN
    pub gates: u64,
    /// Hidden units of a layer, H
    pub units: u64,
    /// Number of stacked layers
    pub layers: u64,
    /// Whether every step has a target, or only the last
    pub every_step: bool,
}

/// Rows and columns of the matrices that measure the machine's own speed.
pub const GEMM: u64 = 1024;
/// How much text one step of preparation reads.
pub const TEXT_MEGABYTES: f64 = 100.0;

/// The model of the Keras baseline.
const BASELINE: Sizes =
    Sizes { batch: 32, time: 20, vocabulary: 4169, embedding: 100, gates: 4, units: 256, layers: 1, every_step: false };
/// The same with four times the units.
const WIDE: Sizes = Sizes { units: 1024, ..BASELINE };
const CHARACTERS: Sizes =
    Sizes { batch: 50, time: 50, vocabulary: 65, embedding: 64, gates: 4, units: 512, layers: 2, every_step: true };

const WORDS: Sizes = Sizes {
    batch: 20,
    time: 35,
    vocabulary: 10_000,
    embedding: 200,
    gates: 4,
    units: 200,
    layers: 2,
    every_step: true,
};

/// Every workload, in the order of measurement.
pub const WORKLOADS: [Workload; 20] = [
    workload("fma", Kind::Fma, Hardware::Cpu),
    workload("fma-1", Kind::Fma, Hardware::Cpu),
    workload("gemm", Kind::Gemm, Hardware::Cpu),
    workload("gemm-1", Kind::Gemm, Hardware::Cpu),
    workload("train-lstm-32", Kind::Train(BASELINE), Hardware::Any),
    workload("train-lstm-256", Kind::Train(Sizes { batch: 256, ..BASELINE }), Hardware::Any),
    workload("train-lstm-1024", Kind::Train(Sizes { batch: 1024, ..BASELINE }), Hardware::Gpu),
    workload("train-wide-32", Kind::Train(WIDE), Hardware::Gpu),
    workload("train-wide-256", Kind::Train(Sizes { batch: 256, ..WIDE }), Hardware::Gpu),
    workload("train-wide-1024", Kind::Train(Sizes { batch: 1024, ..WIDE }), Hardware::Gpu),
    workload("train-gru-32", Kind::Train(Sizes { gates: 3, ..BASELINE }), Hardware::Any),
    workload("train-rnn-32", Kind::Train(Sizes { gates: 1, ..BASELINE }), Hardware::Any),
    workload("train-stack-32", Kind::Train(Sizes { layers: 2, ..BASELINE }), Hardware::Any),
    workload("train-char-2x512", Kind::Train(CHARACTERS), Hardware::Any),
    workload("train-words-2x200", Kind::Train(WORDS), Hardware::Any),
    workload("generate-1", Kind::Generate, Hardware::Any),
    workload("generate-64", Kind::Generate, Hardware::Any),
    workload("prepare", Kind::Prepare, Hardware::Cpu),
    workload("peak-memory", Kind::Memory, Hardware::Cpu),
    workload("first-token", Kind::FirstToken, Hardware::Cpu),
];

/// A workload of this name.
pub const fn workload(name: &'static str, kind: Kind, hardware: Hardware) -> Workload {
    Workload { name, kind, hardware }
}

impl Workload {
    /// What the value is, as committed records spell it, and its unit.
    pub fn quantity(&self) -> (&'static str, &'static str) {
        match self.kind {
            Kind::Train(_) => ("time of a training step", "ms"),
            Kind::Generate => ("time of a token", "ms"),
            Kind::Fma => ("rate of fused multiply-adds in registers", "GFLOP/s"),
            Kind::Gemm => ("rate of a product of 1024 x 1024 matrices", "GFLOP/s"),
            Kind::Prepare => ("preparation by words", "MB/s"),
            Kind::Memory => ("peak resident memory of training", "MB"),
            Kind::FirstToken => ("time from start to the first token", "ms"),
        }
    }

    /// Whether the other programs are measured too.
    pub fn is_for_peers(&self) -> bool {
        matches!(self.kind, Kind::Train(_) | Kind::Generate | Kind::Gemm)
    }

    /// Whether the value is a rate and not a time, so that more is better.
    pub fn is_rate(&self) -> bool {
        matches!(self.kind, Kind::Fma | Kind::Gemm | Kind::Prepare)
    }

    /// Whether its time is spent in the kernels, so that a profile says where.
    pub fn has_profile(&self) -> bool {
        matches!(self.kind, Kind::Train(_) | Kind::Generate)
    }

    /// The tokens of a training step with a target at every step of the window.
    pub fn tokens(&self) -> Option<u64> {
        match &self.kind {
            Kind::Train(sizes) if sizes.every_step => Some(sizes.batch * sizes.time),
            _ => None,
        }
    }

    /// Whether a worker runs it, rather than a new process.
    pub fn is_for_workers(&self) -> bool {
        !matches!(self.kind, Kind::Memory | Kind::FirstToken)
    }
}

/// The floating-point operations of the matrix products of one training step:
///
/// ```text
/// 3 · 2 · ( Σ over layers  N·T·D·G·H  +  N·T·H·G·H     input projection, recurrence
///           + N·H·V, or N·T·H·V with a target every step )        output
/// ```
///
/// A multiplication with its addition counts as 2. The factor 3 is the forward pass and the two products of
/// the backward pass, for the gradients of the weights and of the input. D of an upper layer is H of the one
/// below. The embedding is a lookup; activations, dropout, softmax and the optimizer are left out, so a step
/// cannot reach the peak of the machine.
pub fn training_flops(sizes: &Sizes) -> f64 {
    let &Sizes { batch, time, vocabulary, embedding, gates, units, layers, every_step } = sizes;
    let rows = batch * time;
    let mut products = 0;
    let mut input = embedding;
    for _ in 0..layers {
        products += rows * input * gates * units + rows * units * gates * units;
        input = units;
    }
    products += if every_step { rows } else { batch } * units * vocabulary;
    (3 * 2 * products) as f64
}

/// The workloads named in `only`, in the order of [`WORKLOADS`]; if empty, the default ones of `backend`.
pub fn select(only: &[String], backend: Backend) -> Result<Vec<&'static Workload>, String> {
    if let Some(name) = only.iter().find(|&name| WORKLOADS.iter().all(|w| w.name != name)) {
        let known: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
        return Err(format!("unknown workload `{name}`; expected one of {}", known.join(", ")));
    }
    let excluded = if backend.is_gpu() { Hardware::Cpu } else { Hardware::Gpu };
    let is_selected = |workload: &&Workload| {
        if only.is_empty() { workload.hardware != excluded } else { only.iter().any(|name| name == workload.name) }
    };
    Ok(WORKLOADS.iter().filter(is_selected).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flops(name: &str) -> f64 {
        let workload = WORKLOADS.iter().find(|workload| workload.name == name).unwrap();
        let Kind::Train(sizes) = &workload.kind else { panic!("{name} is not a training step") };
        training_flops(sizes)
    }

    #[test]
    fn the_operations_agree_with_a_count_by_hand() {
        // 640·100·1024 + 640·256·1024 + 32·256·4169 = 65,536,000 + 167,772,160 + 34,152,448
        assert_eq!(flops("train-lstm-32"), 6.0 * 267_460_608.0);
        assert_eq!(flops("train-lstm-256"), 8.0 * 6.0 * 267_460_608.0);
        // 640·100·768 + 640·256·768 + 34,152,448 = 49,152,000 + 125,829,120 + 34,152,448
        assert_eq!(flops("train-gru-32"), 6.0 * 209_133_568.0);
        // 640·100·256 + 640·256·256 + 34,152,448 = 16,384,000 + 41,943,040 + 34,152,448
        assert_eq!(flops("train-rnn-32"), 6.0 * 92_479_488.0);
        // 267,460,608 + 2 · 167,772,160
        assert_eq!(flops("train-stack-32"), 6.0 * 603_004_928.0);
        // 2500·64·2048 + 3 · 2500·512·2048 + 2500·512·65
        assert_eq!(flops("train-char-2x512"), 6.0 * (327_680_000.0 + 7_864_320_000.0 + 83_200_000.0));
        // 4 · 700·200·800 + 700·200·10,000
        assert_eq!(flops("train-words-2x200"), 6.0 * (448_000_000.0 + 1_400_000_000.0));
    }

    #[test]
    fn tokens_are_counted_where_every_step_has_a_target() {
        let tokens = |name: &str| WORKLOADS.iter().find(|workload| workload.name == name).unwrap().tokens();
        assert_eq!(tokens("train-words-2x200"), Some(700));
        assert_eq!(tokens("train-char-2x512"), Some(2500));
        assert_eq!(tokens("train-lstm-32"), None);
        assert_eq!(tokens("gemm"), None);
    }

    #[test]
    fn workloads_are_selected_by_name_and_keep_their_order() {
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(ToString::to_string).collect();
            select(&only, Backend::Flex).map(|selected| selected.iter().map(|w| w.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["prepare", "gemm"]).unwrap(), ["gemm", "prepare"]);
        // Workloads for a GPU can be requested elsewhere by name.
        assert_eq!(names(&["train-wide-1024"]).unwrap(), ["train-wide-1024"]);
        let error = names(&["gem"]).unwrap_err();
        assert!(error.contains("`gem`") && error.contains("gemm-1"), "{error}");
    }

    #[test]
    fn cpu_and_gpu_have_their_own_default_workloads() {
        let names = |backend| {
            let selected = select(&[], backend).unwrap();
            selected.iter().map(|workload| workload.name).collect::<Vec<_>>()
        };
        let (flex, wgpu) = (names(Backend::Flex), names(Backend::Wgpu));
        assert_eq!(names(Backend::Cuda), wgpu);
        for (name, on_flex, on_wgpu) in [
            ("train-lstm-32", true, true),
            ("train-wide-256", false, true),
            ("fma", true, false),
            ("gemm", true, false),
            ("peak-memory", true, false),
        ] {
            assert_eq!(flex.contains(&name), on_flex, "{name}");
            assert_eq!(wgpu.contains(&name), on_wgpu, "{name}");
        }
    }
}
