//! The peak of the machine's cores: nothing but fused multiply-adds in registers.

use std::time::Instant;

use kernels::cpu::fma_peak::multiply_add;
use kernels::cpu::simd_level::SimdLevel;
use serde_json::{Value, json};

use super::Workload;
use crate::error::Result;

/// The loop on one thread or on all of the pool.
pub struct FmaPeak {
    pub all_threads: bool,
}

impl Workload for FmaPeak {
    fn run(&mut self, steps: u64) -> Result<Value> {
        let level = SimdLevel::selected();
        let start = Instant::now();
        let operations: f64 = if self.all_threads {
            rayon::broadcast(|_| multiply_add(level, steps)).into_iter().sum()
        } else {
            multiply_add(level, steps)
        };
        let seconds = start.elapsed().as_secs_f64();
        Ok(json!({ "gflops": operations / seconds / 1e9, "seconds_per_step": seconds / steps as f64 }))
    }
}
