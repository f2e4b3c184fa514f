//! The configuration in a model file of Keras: options of layers that models here do not have.

use kernels::reference::NORM_EPSILON;
use serde_json::Value;
use text_prep::error::one_line;

/// What the layers of a configuration compute otherwise than layers here, in words. Sizes, and options that models here have, too, are
/// not compared.
pub(super) fn differences(json: &str) -> Result<Vec<String>, serde_json::Error> {
    let mut found = Vec::new();
    of_layers(&serde_json::from_str(json)?, &mut found);
    Ok(found)
}

/// Adds those of a layer, or of all layers in a part of a configuration.
fn of_layers(part: &Value, found: &mut Vec<String>) {
    match part {
        Value::Array(parts) => parts.iter().for_each(|part| of_layers(part, found)),
        Value::Object(map) => {
            if let Some(class) = map.get("class_name").and_then(Value::as_str) {
                of_layer(class, &part["config"], found);
            }
            map.values().for_each(|part| of_layers(part, found));
        }
        _ => {}
    }
}

fn of_layer(class: &str, config: &Value, found: &mut Vec<String>) {
    let name = one_line(config["name"].as_str().unwrap_or(class));
    let mut check = |key: &str, expected: &[&str]| {
        // Absent in the files of versions that did not have the option.
        if let Some(value) = config[key].as_str().filter(|value| !expected.contains(value)) {
            found.push(format!("`{name}` has {key} {}, not {}", one_line(value), expected.join(" or ")));
        }
    };
    match class {
        "LSTM" | "GRU" => {
            check("activation", &["tanh"]);
            check("recurrent_activation", &["sigmoid"]);
        }
        "SimpleRNN" => check("activation", &["tanh", "relu", "sigmoid"]),
        "Dense" => check("activation", &["softmax", "linear"]),
        _ => {}
    }
    if matches!(class, "LSTM" | "GRU" | "SimpleRNN") && config["go_backwards"] == true {
        found.push(format!("`{name}` reads backward"));
    }
    if class == "LayerNormalization"
        && let Some(epsilon) = config["epsilon"].as_f64().filter(|epsilon| (epsilon / NORM_EPSILON - 1.0).abs() > 1e-3)
    {
        found.push(format!("`{name}` has epsilon {epsilon}, not {NORM_EPSILON}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_change_the_results_are_listed() {
        let layer = |class: &str, config: &str| format!(r#"{{"class_name":"{class}","config":{{{config}}}}}"#);
        let layers = [
            layer("LSTM", r#""name":"old","activation":"tanh","recurrent_activation":"hard_sigmoid""#),
            layer("GRU", r#""name":"back","activation":"relu","recurrent_activation":"sigmoid","go_backwards":true"#),
            layer("SimpleRNN", r#""name":"plain","activation":"relu","go_backwards":false"#),
            layer("LayerNormalization", r#""name":"norm","epsilon":0.001"#),
            layer("LayerNormalization", r#""name":"same","epsilon":1e-05"#),
            layer("Dense", r#""name":"output","activation":"softmax""#),
        ];
        let json = format!(r#"{{"class_name":"Sequential","config":{{"layers":[{}]}}}}"#, layers.join(","));
        let expected = [
            "`old` has recurrent_activation hard_sigmoid, not sigmoid",
            "`back` has activation relu, not tanh",
            "`back` reads backward",
            "`norm` has epsilon 0.001, not 0.00001",
        ];
        assert_eq!(differences(&json).unwrap(), expected);
        assert!(differences("{").is_err());
    }
}
