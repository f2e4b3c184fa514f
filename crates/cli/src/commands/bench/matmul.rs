//! A large matrix product by the crate `gemm`.

use std::time::Instant;

use serde_json::{Value, json};

use super::Workload;
use crate::error::Result;

/// Rows and columns.
const SIZE: usize = 1024;

/// The product of two square matrices.
pub struct MatrixProduct {
    threads: usize,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl MatrixProduct {
    pub fn new(threads: usize) -> Self {
        let values =
            |factor: usize| -> Vec<f32> { (0..SIZE * SIZE).map(|at| (at * factor % 17) as f32 / 17.0).collect() };
        Self { threads, a: values(3), b: values(5), c: vec![0.0; SIZE * SIZE] }
    }
}

impl Workload for MatrixProduct {
    fn run(&mut self, steps: u64) -> Result<Value> {
        let parallelism = match self.threads {
            1 => gemm::Parallelism::None,
            threads => gemm::Parallelism::Rayon(threads),
        };
        let start = Instant::now();
        for _ in 0..steps {
            multiply(&self.a, &self.b, &mut self.c, parallelism);
        }
        let seconds = start.elapsed().as_secs_f64() / steps as f64;
        Ok(json!({ "seconds_per_step": seconds }))
    }
}

#[allow(unsafe_code)]
fn multiply(a: &[f32], b: &[f32], c: &mut [f32], parallelism: gemm::Parallelism) {
    assert!([a.len(), b.len(), c.len()] == [SIZE * SIZE; 3]);
    let (rows, columns) = (SIZE as isize, 1);
    // SAFETY: each of the three holds SIZE rows of SIZE values, as the strides specify.
    unsafe {
        gemm::gemm(
            SIZE,
            SIZE,
            SIZE,
            c.as_mut_ptr(),
            columns,
            rows,
            false,
            a.as_ptr(),
            columns,
            rows,
            b.as_ptr(),
            columns,
            rows,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}
