//! Writes a plan as a configuration file with comments.

use super::Choice;

/// The width of comments.
const WIDTH: usize = 110;

/// The configuration `toml` with `heading` and, above the key of each choice, its reason as comments.
pub fn to_toml(toml: &str, heading: &str, choices: &[Choice]) -> String {
    let mut lines = comment(heading);
    let mut section = String::new();
    let mut left: Vec<&Choice> = choices.iter().collect();
    for line in toml.lines() {
        let key = match line.strip_prefix('[') {
            Some(rest) => {
                section = rest.trim_matches(['[', ']']).to_string();
                section.clone()
            }
            None => {
                let key = line.split_once(" = ").map_or("", |(key, _)| key);
                if section.is_empty() { key.to_string() } else { format!("{section}.{key}") }
            }
        };
        let (here, rest): (Vec<&Choice>, Vec<&Choice>) = left.into_iter().partition(|choice| choice.key() == key);
        left = rest;
        here.iter().for_each(|choice| lines.extend(comment(&choice.reason)));
        lines.push(line.to_string());
    }
    // A choice whose key has its default value and is not written.
    for choice in left {
        lines.extend(comment(&format!("{}: {}", choice.key(), choice.reason)));
    }
    lines.join("\n") + "\n"
}

/// The lines of a comment.
fn comment(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("# {word}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, parse_config};

    #[test]
    fn a_plan_is_the_configuration_with_its_reasons_above_the_keys() {
        let choices = [
            Choice { keys: &["model.layers", "model.dropout"], reason: "A small text needs a small model.".into() },
            Choice { keys: &["train.optimizer.kind"], reason: "word ".repeat(60) },
            Choice { keys: &["text.dataset"], reason: "Not written, so it stands at the end.".into() },
        ];
        let config = Config::default();
        let plan = to_toml(&toml::to_string(&config).unwrap(), "A plan.", &choices);
        assert_eq!(parse_config::<Config>(&plan, "plan").unwrap(), config);
        assert!(plan.starts_with("# A plan.\n"), "{plan}");
        assert!(plan.contains("# A small text needs a small model.\n[[model.layers]]\n"), "{plan}");
        assert!(plan.ends_with("# text.dataset: Not written, so it stands at the end.\n"), "{plan}");
        assert!(plan.lines().all(|line| line.len() <= WIDTH), "{plan}");
    }
}
