//! The results of a run, as its directory has them, as fields of the record.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{object, rounded};

/// Reads the results of the run in `run`. Fields that the program did not write are null.
///
/// # Errors
/// If a file is missing or invalid, or the run has no epoch.
pub fn read(run: &Path) -> Result<Map<String, Value>, String> {
    let score = parse(&text(run, "score.json")?, "score.json")?;
    let provenance = parse(&text(run, "run.json")?, "run.json")?;
    let metrics = text(run, "metrics.jsonl")?;
    let lines = metrics.lines().map(|line| parse(line, "metrics.jsonl")).collect::<Result<Vec<_>, _>>()?;
    let epochs: Vec<&Value> = lines.iter().filter(|line| line["event"] == "epoch").collect();
    let last = epochs.last().ok_or("the run has no finished epoch")?;
    let number = |epoch: &Value, name: &str| epoch[name].as_f64().unwrap_or(f64::NAN);
    let loss = |epoch: &&&Value| number(epoch, "valid_loss_nats_per_token");
    let best = epochs.iter().min_by(|a, b| loss(a).total_cmp(&loss(b)));
    let seconds: f64 = epochs.iter().map(|epoch| number(epoch, "seconds")).sum();
    let tokens: f64 = epochs.iter().map(|epoch| number(epoch, "seconds") * number(epoch, "tokens_per_second")).sum();
    let passes = score["training_tokens"].as_f64().map(|all| rounded(tokens / all, 1000.0));
    // The model that `generate` uses comes first.
    let model = &score["rows"][0];
    Ok(object(json!({
        "program": provenance["program"],
        "epochs": epochs.len(),
        "best_epoch": best.map(|best| &best["epoch"]),
        "steps": last["step"],
        "passes": passes,
        "train_seconds": rounded(seconds, 10.0),
        "valid_loss_nats_per_token": model["loss_nats_per_token"],
        "bits_per_byte": model["bits_per_byte"],
        "counting_bits_per_byte": score["counting"]["bits_per_byte"],
        "counting_order": score["counting"]["order"],
        "parameters": score["parameters"],
        "training_tokens": score["training_tokens"],
    })))
}

fn text(run: &Path, name: &str) -> Result<String, String> {
    std::fs::read_to_string(run.join(name)).map_err(|error| format!("{name} of the run cannot be read: {error}"))
}

fn parse(json: &str, name: &str) -> Result<Value, String> {
    serde_json::from_str(json).map_err(|error| format!("{name} of the run is not valid: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of two epochs of 50 steps with this `score.json`.
    fn run(score: &Value) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let epoch = |epoch: u64, loss: f64| {
            json!({"event": "epoch", "epoch": epoch, "step": 50 * epoch, "seconds": 2.04, "tokens_per_second": 2000.0,
                "valid_loss_nats_per_token": loss})
        };
        let lines = [json!({"event": "step", "step": 50}), epoch(1, 1.5), epoch(2, 1.75)];
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("metrics.jsonl", lines.map(|line| format!("{line}\n")).concat());
        write("run.json", json!({"program": "pastiche 0.2.0", "seed": 1}).to_string());
        write("score.json", score.to_string());
        folder
    }

    fn score() -> Value {
        let rows = [
            json!({"name": "this model, carried", "loss_nats_per_token": 1.5, "bits_per_byte": 2.1}),
            json!({"name": "unigram", "loss_nats_per_token": 3.0, "bits_per_byte": 4.2}),
        ];
        let counting = json!({"order": 6, "bits_per_byte": 2.2});
        json!({"rows": rows, "counting": counting, "parameters": 300, "training_tokens": 4000})
    }

    #[test]
    fn the_results_of_a_run_are_read() {
        let line = read(run(&score()).path()).unwrap();
        let expected = json!({
            "program": "pastiche 0.2.0", "epochs": 2, "best_epoch": 1, "steps": 100, "passes": 2.04,
            "train_seconds": 4.1, "valid_loss_nats_per_token": 1.5, "bits_per_byte": 2.1,
            "counting_bits_per_byte": 2.2, "counting_order": 6, "parameters": 300, "training_tokens": 4000
        });
        assert_eq!(Value::Object(line), expected);
    }

    #[test]
    fn bits_per_byte_that_are_not_known_are_null() {
        let mut score = score();
        score["rows"][0]["bits_per_byte"] = Value::Null;
        score.as_object_mut().unwrap().remove("counting");
        let line = read(run(&score).path()).unwrap();
        for name in ["bits_per_byte", "counting_bits_per_byte", "counting_order"] {
            assert_eq!(line[name], Value::Null, "{name}");
        }
    }

    #[test]
    fn a_run_without_results_is_an_error() {
        let folder = run(&score());
        let error_without = |name: &str, text: &str| {
            let before = std::fs::read_to_string(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name), text).unwrap();
            let error = read(folder.path()).unwrap_err();
            std::fs::write(folder.path().join(name), before).unwrap();
            error
        };
        assert!(error_without("score.json", "{").contains("score.json of the run is not valid"));
        assert!(error_without("metrics.jsonl", "").contains("no finished epoch"));
        std::fs::remove_file(folder.path().join("score.json")).unwrap();
        assert!(read(folder.path()).unwrap_err().contains("score.json of the run cannot be read"));
    }
}
