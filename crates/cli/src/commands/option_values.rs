//! From options to the settings of the libraries, and from their errors to errors about options.

use args::CacheArgs;
use generate::CacheSettings;
use seqdata::ConfigError;

use crate::error::Error;

/// The settings of a cache that the options give; the others are the defaults.
pub fn cache_settings(args: &CacheArgs) -> CacheSettings {
    let default = CacheSettings::default();
    CacheSettings {
        size: args.cache_size.unwrap_or(default.size),
        weight: args.cache_weight.unwrap_or(default.weight),
        theta: args.cache_theta.unwrap_or(default.theta),
    }
}

/// An error about a setting, by the name of its option.
pub fn of_option(error: impl Into<Error> + IntoConfigError) -> Error {
    match error.into_config_error() {
        Ok(ConfigError { key, found, expected }) => {
            Error::new(format!("`--{}` is {found}; expected {expected}", key.replace('_', "-")))
        }
        Err(error) => error.into(),
    }
}

/// An error of a library that may be about a setting.
pub trait IntoConfigError: Sized {
    /// The error about a setting, or else the error itself.
    fn into_config_error(self) -> std::result::Result<ConfigError, Self>;
}

impl IntoConfigError for generate::Error {
    fn into_config_error(self) -> std::result::Result<ConfigError, Self> {
        if let Self::Config(error) = self { Ok(error) } else { Err(self) }
    }
}

impl IntoConfigError for trainer::Error {
    fn into_config_error(self) -> std::result::Result<ConfigError, Self> {
        if let Self::Config(error) = self { Ok(error) } else { Err(self) }
    }
}
