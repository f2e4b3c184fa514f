//! Samples four words by their logits at three temperatures.

#![allow(clippy::print_stdout)]

use generate::{Sampler, Sampling};

fn main() -> generate::Result<()> {
    let words = ["fox", "crow", "lion", "<padding>"];
    let logits = [2.0, 1.0, 0.0, 9.0];
    for temperature in [0.2, 1.0, 2.0] {
        let sampling = Sampling { temperature, ..Sampling::default() };
        sampling.check()?;
        // The padding id is reserved, so it is never sampled in spite of its high logit.
        let mut sampler = Sampler::new(sampling, 1, 0, [3], None);
        print!("temperature {temperature}:");
        for _ in 0..12 {
            print!(" {}", words[sampler.sample(&logits)? as usize]);
        }
        println!();
    }
    Ok(())
}
