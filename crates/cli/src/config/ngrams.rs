//! `[ngrams]`: the n-grams that are kept with a model.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Table;

/// Longer n-grams hardly occur twice, and take much memory.
const MAX_ORDER: usize = 12;
/// The best order, in a configuration.
const BEST: &str = "best";

/// `[ngrams]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ngrams {
    /// The length of the longest n-grams that are counted in the training text and kept with the model; none without it.
    pub order: Option<NgramOrder>,
}

/// The length of the longest n-grams: a number or `best`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NgramOrder(pub generate::NgramOrder);

/// A configuration without `[ngrams]`; `config` is TOML, and unchanged if it has none.
pub fn without_ngrams(config: &str) -> String {
    let mut table: Table = config.parse().unwrap_or_default();
    if table.remove("ngrams").is_some() { table.to_string() } else { config.to_owned() }
}

impl Ngrams {
    /// Whether no n-grams are kept.
    pub fn is_none(&self) -> bool {
        self.order.is_none()
    }
}

impl Serialize for NgramOrder {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            generate::NgramOrder::Best => BEST.serialize(serializer),
            generate::NgramOrder::Tokens(order) => order.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for NgramOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct BestOrNumber;
        impl Visitor<'_> for BestOrNumber {
            type Value = NgramOrder;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "`{BEST}` or a number of tokens from 1 to {MAX_ORDER}")
            }

            fn visit_str<E: Error>(self, text: &str) -> std::result::Result<NgramOrder, E> {
                if text == BEST {
                    return Ok(NgramOrder(generate::NgramOrder::Best));
                }
                Err(Error::invalid_value(Unexpected::Str(text), &self))
            }

            fn visit_i64<E: Error>(self, order: i64) -> std::result::Result<NgramOrder, E> {
                let in_range = usize::try_from(order).ok().filter(|order| (1..=MAX_ORDER).contains(order));
                let order = in_range.ok_or_else(|| E::invalid_value(Unexpected::Signed(order), &self))?;
                Ok(NgramOrder(generate::NgramOrder::Tokens(order)))
            }
        }
        deserializer.deserialize_any(BestOrNumber)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::read::{apply_changes, parse_config};

    #[test]
    fn the_section_is_removed() {
        let config = "seed = 3\n\n[ngrams]\norder = 5\n\n[windows]\nstride = 2\n";
        let without: Config = parse_config(&super::without_ngrams(config), "my.toml").unwrap();
        assert!(without.ngrams.is_none() && (without.seed, without.windows.stride) == (3, 2));
        for same in ["seed = 3 # the third\n", ""] {
            assert_eq!(super::without_ngrams(same), same);
        }
    }

    #[test]
    fn the_order_is_best_or_a_number() {
        for written in ["\"best\"", "5"] {
            let config: Config = parse_config(&format!("ngrams.order = {written}"), "my.toml").unwrap();
            assert!(toml::to_string(&config).unwrap().contains(&format!("[ngrams]\norder = {written}\n")));
        }
        assert!(!toml::to_string(&Config::default()).unwrap().contains("ngrams"));
        let changed = apply_changes(Config::default(), &["ngrams.order=best".into()]).unwrap();
        assert!(!changed.ngrams.is_none());
        for wrong in ["0", "13", "-1", "worst", "true"] {
            let change = format!("ngrams.order={wrong}");
            let error = apply_changes(Config::default(), &[change]).unwrap_err().to_string();
            assert!(error.contains("expected `best` or a number of tokens from 1 to 12"), "{error}");
        }
    }
}
