//! Reference implementations of the cells: plain loops in f64, one sequence at a time, forward and backward.

use super::super::elman::Activation;
use super::{scaled, values};

/// The cell.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Elman(Activation),
    Gru,
    Lstm,
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::Elman(Activation::Tanh),
        Self::Elman(Activation::Sigmoid),
        Self::Elman(Activation::Relu),
        Self::Gru,
        Self::Lstm,
    ];

    /// Blocks of W and of U.
    pub fn gates(self) -> usize {
        match self {
            Self::Elman(_) => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    /// Blocks of biases; for a GRU: n of x, z and r of x and h together, n of h.
    pub fn biases(self) -> usize {
        if matches!(self, Self::Elman(_)) { 1 } else { 4 }
    }

    pub fn has_cell_state(self) -> bool {
        matches!(self, Self::Lstm)
    }
}

/// N, T, D, H.
pub type Sizes = [usize; 4];

/// All inputs, row-major.
#[derive(Clone)]
pub struct Case {
    pub kind: Kind,
    pub sizes: Sizes,
    pub all_steps: bool,
    /// `[N, T, D]`; rows repeat if they are rows of a table.
    pub input: Vec<f64>,
    /// The table `[V, D]` and the ids `[N, T]` of the input, if it is ids.
    pub table: Option<(Vec<f64>, Vec<u32>)>,
    pub kernel: Vec<f64>,
    pub recurrent: Vec<f64>,
    pub bias: Vec<f64>,
    pub hidden: Vec<f64>,
    pub cell_state: Vec<f64>,
    /// 0 where the state is reset, `[N, T]`.
    pub keep_state: Option<Vec<f64>>,
    /// The gradient of the output.
    pub gradient: Vec<f64>,
}

/// The output, and the gradients of all inputs.
#[derive(Clone, Default)]
pub struct Outcome {
    pub output: Vec<f64>,
    pub input: Vec<f64>,
    pub kernel: Vec<f64>,
    pub recurrent: Vec<f64>,
    pub bias: Vec<f64>,
    pub hidden: Vec<f64>,
    pub cell_state: Vec<f64>,
}

/// Rows of the table; the even ones never occur.
const VOCABULARY: usize = 9;

impl Case {
    pub fn new(kind: Kind, sizes: Sizes, all_steps: bool, by_ids: bool) -> Self {
        let [n, t, d, h] = sizes;
        let gates = kind.gates() * h;
        let mut input = values(1, n * t * d);
        let table = by_ids.then(|| {
            let table = values(2, VOCABULARY * d);
            let id = |at: usize| (at * at + at / 3) % (VOCABULARY / 2) * 2 + 1;
            let ids: Vec<u32> = (0..n * t).map(|at| id(at) as u32).collect();
            input = ids.iter().flat_map(|&id| table[id as usize * d..][..d].to_vec()).collect();
            (table, ids)
        });
        let slots = if all_steps { t } else { 1 } + usize::from(kind.has_cell_state());
        Self {
            kind,
            sizes,
            all_steps,
            input,
            table,
            kernel: scaled(values(3, d * gates), 1.0 / (d as f64).sqrt()),
            recurrent: scaled(values(4, h * gates), 1.0 / (h as f64).sqrt()),
            bias: values(5, kind.biases() * h),
            hidden: values(6, n * h),
            cell_state: if kind.has_cell_state() { values(7, n * h) } else { Vec::new() },
            keep_state: None,
            gradient: values(8, n * slots * h),
        }
    }

    /// The same case with the state reset before about one step in three.
    pub fn with_resets(self) -> Self {
        let [n, t, ..] = self.sizes;
        let keep = values(9, n * t).into_iter().map(|value| f64::from(value > -0.4));
        Self { keep_state: Some(keep.collect()), ..self }
    }

    /// S of the output `[N, S, H]`: the hidden states, then c.
    pub fn slots(&self) -> usize {
        self.gradient.len() / (self.sizes[0] * self.sizes[3])
    }

    pub fn run(&self) -> Outcome {
        let [n, t, d, h] = self.sizes;
        let mut out = Outcome {
            output: vec![0.0; self.gradient.len()],
            input: vec![0.0; self.input.len()],
            kernel: vec![0.0; self.kernel.len()],
            recurrent: vec![0.0; self.recurrent.len()],
            bias: vec![0.0; self.bias.len()],
            hidden: Vec::new(),
            cell_state: Vec::new(),
        };
        let slots = self.slots();
        for n in 0..n {
            let slot = |slot: usize| (n * slots + slot) * h..(n * slots + slot + 1) * h;
            let x = |t_at: usize| (n * t + t_at) * d..(n * t + t_at + 1) * d;
            let mut states = vec![self.hidden[n * h..(n + 1) * h].to_vec()];
            let mut cell_states = vec![vec![0.0; h]];
            if self.kind.has_cell_state() {
                cell_states = vec![self.cell_state[n * h..(n + 1) * h].to_vec()];
            }
            let mut sums = Vec::new();
            let is_reset = |step: usize| self.keep_state.as_ref().is_some_and(|keep| keep[n * t + step] == 0.0);
            for step in 0..t {
                if is_reset(step) {
                    (states[step], cell_states[step]) = (vec![0.0; h], vec![0.0; h]);
                }
                let a = product(&self.input[x(step)], &self.kernel);
                let b = product(&states[step], &self.recurrent);
                let (state, cell_state) = self.step(&a, &b, &states[step], &cell_states[step]);
                if self.all_steps || step + 1 == t {
                    out.output[slot(if self.all_steps { step } else { 0 })].copy_from_slice(&state);
                }
                states.push(state);
                cell_states.push(cell_state);
                sums.push((a, b));
            }
            let (mut dh, mut dc) = (vec![0.0; h], vec![0.0; h]);
            if self.kind.has_cell_state() {
                out.output[slot(slots - 1)].copy_from_slice(&cell_states[t]);
                dc.copy_from_slice(&self.gradient[slot(slots - 1)]);
            }
            for step in (0..t).rev() {
                if self.all_steps || step + 1 == t {
                    let from = &self.gradient[slot(if self.all_steps { step } else { 0 })];
                    dh.iter_mut().zip(from).for_each(|(to, from)| *to += from);
                }
                let (a, b) = &sums[step];
                let back = self.step_backward([a, b, &states[step], &cell_states[step]], &dh, &dc);
                out.bias.iter_mut().zip(&back.bias).for_each(|(to, from)| *to += from);
                outer(&mut out.kernel, &self.input[x(step)], &back.a);
                outer(&mut out.recurrent, &states[step], &back.b);
                out.input[x(step)].copy_from_slice(&product_transposed(&self.kernel, &back.a));
                dh = product_transposed(&self.recurrent, &back.b);
                dh.iter_mut().zip(&back.h).for_each(|(to, from)| *to += from);
                dc = back.c;
                if is_reset(step) {
                    (dh, dc) = (vec![0.0; h], vec![0.0; h]);
                }
            }
            out.hidden.extend(dh);
            out.cell_state.extend(if self.kind.has_cell_state() { dc } else { Vec::new() });
        }
        if let Some((table, ids)) = &self.table {
            let mut sums = vec![0.0; table.len()];
            for (at, &id) in ids.iter().enumerate() {
                for column in 0..d {
                    sums[id as usize * d + column] += out.input[at * d + column];
                }
            }
            out.input = sums;
        }
        out
    }

    /// h′ and c′ from a = x W, b = h U, h and c.
    fn step(&self, a: &[f64], b: &[f64], h: &[f64], c: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let units = h.len();
        let bias = |block: usize, at: usize| self.bias[block * units + at];
        let state = (0..units).map(|at| match self.kind {
            Kind::Elman(activation) => {
                let a = a[at] + b[at] + bias(0, at);
                match activation {
                    Activation::Tanh => (a.tanh(), 0.0),
                    Activation::Sigmoid => (sigmoid(a), 0.0),
                    Activation::Relu => (a.max(0.0), 0.0),
                }
            }
            Kind::Gru => {
                let [_, z, _, n] = self.gru_gates(a, b, at);
                (z * h[at] + (1.0 - z) * n, 0.0)
            }
            Kind::Lstm => {
                let [i, f, g, o] = self.lstm_gates(a, b, at);
                let c = f * c[at] + i * g;
                (o * c.tanh(), c)
            }
        });
        state.unzip()
    }

    /// m, z, r, n.
    fn gru_gates(&self, a: &[f64], b: &[f64], at: usize) -> [f64; 4] {
        let h = self.sizes[3];
        let [bn, bz, br, bm] = [0, 1, 2, 3].map(|block| self.bias[block * h + at]);
        let m = b[2 * h + at] + bm;
        let z = sigmoid(a[at] + b[at] + bz);
        let r = sigmoid(a[h + at] + b[h + at] + br);
        [m, z, r, (a[2 * h + at] + bn + r * m).tanh()]
    }

    /// i, f, g, o.
    fn lstm_gates(&self, a: &[f64], b: &[f64], at: usize) -> [f64; 4] {
        let sum = |block: usize| {
            let at = block * self.sizes[3] + at;
            a[at] + b[at] + self.bias[at]
        };
        [sigmoid(sum(0)), sigmoid(sum(1)), sum(2).tanh(), sigmoid(sum(3))]
    }

    /// From the gradients of h′ and c′ to those of a, b, the biases, c, and the part of that of h that does not go
    /// through U.
    fn step_backward(&self, [a, b, h, c]: [&[f64]; 4], dh: &[f64], dc: &[f64]) -> StepGradients {
        let units = h.len();
        let zeros = |blocks: usize| vec![0.0; blocks * units];
        let mut back = StepGradients {
            a: zeros(self.kind.gates()),
            b: zeros(self.kind.gates()),
            bias: zeros(self.kind.biases()),
            h: zeros(1),
            c: zeros(1),
        };
        for at in 0..units {
            match self.kind {
                Kind::Elman(activation) => {
                    let sum = a[at] + b[at] + self.bias[at];
                    let slope = match activation {
                        Activation::Tanh => 1.0 - sum.tanh().powi(2),
                        Activation::Sigmoid => sigmoid(sum) * (1.0 - sigmoid(sum)),
                        Activation::Relu => f64::from(sum > 0.0),
                    };
                    back.set_sum(&[at], dh[at] * slope);
                }
                Kind::Gru => {
                    let [m, z, r, n] = self.gru_gates(a, b, at);
                    let dn = dh[at] * (1.0 - z) * (1.0 - n * n);
                    let dz = dh[at] * (h[at] - n) * z * (1.0 - z);
                    let dr = dn * m * r * (1.0 - r);
                    back.h[at] = dh[at] * z;
                    (back.a[at], back.b[at], back.bias[units + at]) = (dz, dz, dz);
                    (back.a[units + at], back.b[units + at]) = (dr, dr);
                    back.bias[2 * units + at] = dr;
                    (back.a[2 * units + at], back.bias[at]) = (dn, dn);
                    (back.b[2 * units + at], back.bias[3 * units + at]) = (dn * r, dn * r);
                }
                Kind::Lstm => {
                    let [i, f, g, o] = self.lstm_gates(a, b, at);
                    let tanh_c = (f * c[at] + i * g).tanh();
                    let d = dc[at] + dh[at] * o * (1.0 - tanh_c * tanh_c);
                    back.set_sum(&[at], d * g * i * (1.0 - i));
                    back.set_sum(&[units + at], d * c[at] * f * (1.0 - f));
                    back.set_sum(&[2 * units + at], d * i * (1.0 - g * g));
                    back.set_sum(&[3 * units + at], dh[at] * tanh_c * o * (1.0 - o));
                    back.c[at] = d * f;
                }
            }
        }
        back
    }
}

struct StepGradients {
    a: Vec<f64>,
    b: Vec<f64>,
    bias: Vec<f64>,
    h: Vec<f64>,
    c: Vec<f64>,
}

impl StepGradients {
    /// Sets the gradient of a sum of a, b and a bias.
    fn set_sum(&mut self, at: &[usize], value: f64) {
        for &at in at {
            (self.a[at], self.b[at], self.bias[at]) = (value, value, value);
        }
    }
}

pub fn sigmoid(a: f64) -> f64 {
    1.0 / (1.0 + (-a).exp())
}

/// x W.
fn product(x: &[f64], w: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; w.len() / x.len()];
    for (x, w) in x.iter().zip(w.chunks(sums.len())) {
        sums.iter_mut().zip(w).for_each(|(sum, w)| *sum += x * w);
    }
    sums
}

/// d Wᵀ.
fn product_transposed(w: &[f64], d: &[f64]) -> Vec<f64> {
    w.chunks(d.len()).map(|w| w.iter().zip(d).map(|(w, d)| w * d).sum()).collect()
}

/// W += xᵀ d.
fn outer(w: &mut [f64], x: &[f64], d: &[f64]) {
    for (x, w) in x.iter().zip(w.chunks_mut(d.len())) {
        w.iter_mut().zip(d).for_each(|(w, d)| *w += x * d);
    }
}

/// Tests this file: its gradients against finite differences of Σ gradient · output.
#[test]
fn gradients_equal_finite_differences() {
    type Part = (&'static str, fn(&mut Case) -> &mut Vec<f64>, fn(Outcome) -> Vec<f64>);
    let parts: [Part; 6] = [
        ("input", |case| &mut case.input, |out| out.input),
        ("kernel", |case| &mut case.kernel, |out| out.kernel),
        ("recurrent", |case| &mut case.recurrent, |out| out.recurrent),
        ("bias", |case| &mut case.bias, |out| out.bias),
        ("hidden", |case| &mut case.hidden, |out| out.hidden),
        ("cell_state", |case| &mut case.cell_state, |out| out.cell_state),
    ];
    for kind in Kind::ALL {
        for (all_steps, resets) in [(true, false), (false, false), (true, true)] {
            let case = Case::new(kind, [2, 3, 4, 3], all_steps, false);
            let case = if resets { case.with_resets() } else { case };
            for (name, part, of) in parts {
                let gradient = of(case.run());
                let slope = |at: usize| {
                    let [less, more] = [-1e-5, 1e-5].map(|change| {
                        let mut case = case.clone();
                        part(&mut case)[at] += change;
                        let output = case.run().output;
                        output.iter().zip(&case.gradient).map(|(y, d)| y * d).sum::<f64>()
                    });
                    (more - less) / 2e-5
                };
                let slopes: Vec<f64> = (0..gradient.len()).map(slope).collect();
                super::assert_near(&format!("{kind:?} {name}"), &gradient, &slopes, 1e-7);
            }
        }
    }
}
