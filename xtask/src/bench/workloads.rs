//! What is measured: the works by name, and the arithmetic that a training step cannot do without.

use args::Backend;

/// One thing to measure.
#[derive(Debug, PartialEq)]
pub struct Work {
    /// As `--only` and the workers know it
    pub name: &'static str,
    /// What is done, and by whom
    pub kind: Kind,
    /// Where it is worth doing, unless it is asked for
    pub place: Place,
}

/// Where a work is worth doing.
#[derive(Debug, PartialEq)]
pub enum Place {
    /// On processors and graphics processors
    Anywhere,
    /// On processors: a graphics processor has no part in it
    Cpu,
    /// On graphics processors, which smaller works leave idle
    Gpu,
}

/// What is done, and by whom.
#[derive(Debug, PartialEq)]
pub enum Kind {
    /// Steps of training, by every program
    Train(Network),
    /// Tokens written, by every program
    Write,
    /// Matrix products of [`GEMM`] rows and columns, by ours
    Multiply,
    /// A text of [`TEXT_MEGABYTES`] prepared, by ours
    Prepare,
    /// Training watched from outside, ours
    Memory,
    /// A fresh process until its first token, ours
    FirstToken,
}

/// The sizes of a network and of what it learns from in one step.
#[derive(Debug, PartialEq)]
pub struct Network {
    /// Rows of a batch, N
    pub batch: u64,
    /// Steps of a window, T
    pub time: u64,
    /// Tokens, V
    pub vocabulary: u64,
    /// Numbers a token, D
    pub embedding: u64,
    /// Blocks of weights in a cell, G: 4 in an LSTM, 3 in a GRU, 1 in a plain network
    pub gates: u64,
    /// Units of a layer, H
    pub units: u64,
    /// How many layers, each above the other
    pub layers: u64,
    /// Whether every step has a target, or the last alone
    pub every_step: bool,
}

/// Rows and columns of the matrices that the machine's own speed is measured with.
pub const GEMM: u64 = 1024;
/// How much text one step of preparation reads.
pub const TEXT_MEGABYTES: f64 = 100.0;

/// The seed's network.
const SEED: Network = Network {
    batch: 32,
    time: 20,
    vocabulary: 4169,
    embedding: 100,
    gates: 4,
    units: 256,
    layers: 1,
    every_step: false,
};
/// The seed's network with four times the units.
const WIDE: Network = Network { units: 1024, ..SEED };
const CHARACTERS: Network = Network {
    batch: 50,
    time: 50,
    vocabulary: 65,
    embedding: 64,
    gates: 4,
    units: 512,
    layers: 2,
    every_step: true,
};

/// Every work, in the order in which they are done.
pub const WORKS: [Work; 17] = [
    work("gemm", Kind::Multiply, Place::Cpu),
    work("gemm-1", Kind::Multiply, Place::Cpu),
    work("train-lstm-32", Kind::Train(SEED), Place::Anywhere),
    work("train-lstm-256", Kind::Train(Network { batch: 256, ..SEED }), Place::Anywhere),
    work("train-lstm-1024", Kind::Train(Network { batch: 1024, ..SEED }), Place::Gpu),
    work("train-wide-32", Kind::Train(WIDE), Place::Gpu),
    work("train-wide-256", Kind::Train(Network { batch: 256, ..WIDE }), Place::Gpu),
    work("train-wide-1024", Kind::Train(Network { batch: 1024, ..WIDE }), Place::Gpu),
    work("train-gru-32", Kind::Train(Network { gates: 3, ..SEED }), Place::Anywhere),
    work("train-rnn-32", Kind::Train(Network { gates: 1, ..SEED }), Place::Anywhere),
    work("train-stack-32", Kind::Train(Network { layers: 2, ..SEED }), Place::Anywhere),
    work("train-char-2x512", Kind::Train(CHARACTERS), Place::Anywhere),
    work("generate-1", Kind::Write, Place::Anywhere),
    work("generate-64", Kind::Write, Place::Anywhere),
    work("prepare", Kind::Prepare, Place::Cpu),
    work("peak-memory", Kind::Memory, Place::Cpu),
    work("first-token", Kind::FirstToken, Place::Cpu),
];

/// A work of this name.
pub const fn work(name: &'static str, kind: Kind, place: Place) -> Work {
    Work { name, kind, place }
}

impl Work {
    /// The unit of what is measured.
    pub fn unit(&self) -> &'static str {
        match self.kind {
            Kind::Train(_) | Kind::Write | Kind::FirstToken => "ms",
            Kind::Multiply => "GFLOP/s",
            Kind::Prepare => "MB/s",
            Kind::Memory => "MB",
        }
    }

    /// What the number says, for the record.
    pub fn quantity(&self) -> &'static str {
        match self.kind {
            Kind::Train(_) => "time of a training step",
            Kind::Write => "time of a token",
            Kind::Multiply => "rate of a product of 1024 x 1024 matrices",
            Kind::Prepare => "preparation by words",
            Kind::Memory => "peak resident memory of training",
            Kind::FirstToken => "time from start to the first token",
        }
    }

    /// Whether the other programs do it too.
    pub fn is_for_all(&self) -> bool {
        matches!(self.kind, Kind::Train(_) | Kind::Write)
    }

    /// Whether a worker does it, rather than a fresh process.
    pub fn is_for_workers(&self) -> bool {
        !matches!(self.kind, Kind::Memory | Kind::FirstToken)
    }
}

/// The floating-point operations of one training step, as if the matrix products were all:
///
/// ```text
/// 3 · 2 · ( Σ over layers  N·T·D·G·H  +  N·T·H·G·H     input projection, recurrence
///           + N·H·V, or N·T·H·V with a target every step )        output
/// ```
///
/// A multiplication with its addition counts as 2. The factor 3 stands for the way forward and the two
/// products that each one costs on the way back, for the gradients of its weights and of its input. D of
/// an upper layer is H of the one below. The embedding is looked up, not multiplied; activations, dropout,
/// softmax and the optimizer are left out, so a step at the machine's full gemm rate is out of reach.
pub fn training_flops(network: &Network) -> f64 {
    let &Network { batch, time, vocabulary, embedding, gates, units, layers, every_step } = network;
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

/// The works that were asked for, in their own order; if none was, those that are worth doing on `backend`.
pub fn chosen(only: &[String], backend: Backend) -> Result<Vec<&'static Work>, String> {
    if let Some(name) = only.iter().find(|&name| WORKS.iter().all(|work| work.name != name)) {
        let known: Vec<&str> = WORKS.iter().map(|work| work.name).collect();
        return Err(format!("the work `{name}` is unknown; known are {}", known.join(", ")));
    }
    let elsewhere = if backend.is_graphics() { Place::Cpu } else { Place::Gpu };
    let asked = |work: &&Work| match only.is_empty() {
        true => work.place != elsewhere,
        false => only.iter().any(|name| name == work.name),
    };
    Ok(WORKS.iter().filter(asked).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flops(name: &str) -> f64 {
        let work = WORKS.iter().find(|work| work.name == name).unwrap();
        let Kind::Train(network) = &work.kind else { panic!("{name} is no training") };
        training_flops(network)
    }

    #[test]
    fn the_arithmetic_agrees_with_a_count_by_hand() {
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
        assert_eq!(
            flops("train-char-2x512"),
            6.0 * (327_680_000.0 + 7_864_320_000.0 + 83_200_000.0)
        );
    }

    #[test]
    fn works_are_chosen_by_name_and_keep_their_order() {
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(ToString::to_string).collect();
            chosen(&only, Backend::Flex)
                .map(|works| works.iter().map(|work| work.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["prepare", "gemm"]).unwrap(), ["gemm", "prepare"]);
        // What only a graphics processor fills must be asked for elsewhere.
        assert_eq!(names(&["train-wide-1024"]).unwrap(), ["train-wide-1024"]);
        let error = names(&["gem"]).unwrap_err();
        assert!(error.contains("`gem`") && error.contains("gemm-1"), "{error}");
    }

    #[test]
    fn a_processor_and_a_graphics_processor_have_works_of_their_own() {
        let names = |backend| {
            let works = chosen(&[], backend).unwrap();
            works.iter().map(|work| work.name).collect::<Vec<_>>()
        };
        let (flex, wgpu) = (names(Backend::Flex), names(Backend::Wgpu));
        assert_eq!(names(Backend::Cuda), wgpu);
        for (name, on_flex, on_wgpu) in [
            ("train-lstm-32", true, true),
            ("train-wide-256", false, true),
            ("gemm", true, false),
            ("peak-memory", true, false),
        ] {
            assert_eq!(flex.contains(&name), on_flex, "{name}");
            assert_eq!(wgpu.contains(&name), on_wgpu, "{name}");
        }
    }
}
