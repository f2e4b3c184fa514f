//! A job of several ranks that only adds numbers, to measure how long a sum takes and to see how a job ends when one of its
//! ranks breaks:
//!
//! ```sh
//! mpirun -n 4 ranks_job STEPS VALUES SECONDS [FAULT:RANK]
//! ```
//!
//! STEPS sums of VALUES numbers; for 0, sums without an end. A rank waits SECONDS for the others. Before the 20th sum RANK
//! breaks: by a `panic`, an `error`, or because it is `busy` for twice as long as the others would wait.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::time::{Duration, Instant};

use ranks::{Launched, Ranks, start, while_busy};

/// The sum before which a rank breaks.
const FAULT_AT: u64 = 20;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [steps, values, seconds, fault @ ..] = &words[..] else { return print("STEPS VALUES SECONDS [FAULT:RANK]") };
    let (Ok(steps), Ok(values), Ok(seconds)) = (steps.parse(), values.parse(), seconds.parse()) else {
        return print("STEPS, VALUES and SECONDS are numbers");
    };
    let launched = Launched::from_env();
    let ranks = match start(launched, Duration::from_secs(seconds)) {
        Ok(ranks) => ranks,
        Err(error) => {
            if launched.is_none_or(|launched| launched.rank == 0) {
                print(&format!("error: {error}"));
            }
            std::process::exit(1)
        }
    };
    let (fault, rank) = fault.first().and_then(|fault| fault.split_once(':')).unwrap_or_default();
    let fault = if rank.parse() == Ok(ranks.rank()) { fault } else { "" };
    let ended = add(&*ranks, steps, values, (fault, seconds)).and_then(|()| ranks.finish().map_err(|e| e.to_string()));
    if let Err(error) = ended {
        ranks.abort(1, &error);
    }
}

fn add(ranks: &dyn Ranks, steps: u64, count: usize, (fault, seconds): (&str, u64)) -> Result<(), String> {
    let mut values: Vec<f32> = (0..count).map(|i| ((i + 1) * (ranks.rank() + 3) % 1000) as f32 * 1e-3).collect();
    let mut took = Vec::new();
    let mut step = 0;
    while steps == 0 || step < steps {
        step += 1;
        if step == FAULT_AT {
            break_down(ranks, fault, seconds)?;
        }
        let began = Instant::now();
        ranks.sum(&mut values).map_err(|error| error.to_string())?;
        took.push(began.elapsed());
        // Otherwise they would grow without an end; and no rank is the same as another.
        let share = 1.0 / (ranks.count() + ranks.rank() % 2) as f32;
        values.iter_mut().for_each(|value| *value *= share);
        if step == FAULT_AT && ranks.rank() == 0 {
            print("ready");
        }
        if steps == 0 {
            // A job without an end is for tests of faults, on computers that have other things to do.
            std::thread::sleep(Duration::from_millis(5));
            took.clear();
        }
    }
    ranks.sum(&mut values).map_err(|error| error.to_string())?;
    if ranks.rank() == 0 {
        took.sort_unstable();
        let ms = |part: usize| took.get(took.len() * part / 10).map_or(0.0, Duration::as_secs_f64) * 1e3;
        let mut hash = DefaultHasher::new();
        values.iter().for_each(|value| value.to_bits().hash(&mut hash));
        print(&format!(
            "{steps} sums of {count} values on {} ranks: median {:.2} ms, fastest tenth {:.2} ms, slowest {:.2} ms; hash {:016x}",
            ranks.count(),
            ms(5),
            ms(1),
            ms(9),
            hash.finish()
        ));
    }
    Ok(())
}

fn break_down(ranks: &dyn Ranks, fault: &str, seconds: u64) -> Result<(), String> {
    match fault {
        "panic" => std::thread::spawn(|| panic!("a test\nof panics")).join().map_err(|_| "unreachable".into()),
        "error" => Err("a test of errors".into()),
        "busy" => {
            while_busy(ranks, || std::thread::sleep(Duration::from_secs(2 * seconds)));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Prints a line.
fn print(line: &str) {
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}
