//! Arguments of `serve`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use crate::{BackendArgs, Mix};

/// Arguments of `serve`.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// The directory of a model, or `base`; may be given several times: requests name a model by the last part of its path,
    /// and get the first one without a name; question models make questions [default: the newest language model of a run, or
    /// the base if there is none]
    #[arg(long, value_name = "DIR")]
    pub model: Vec<PathBuf>,
    /// The port to listen on; with 0 the system chooses a free one
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub port: u16,
    /// The address to listen on; one that other machines reach, such as 0.0.0.0, needs `--token`
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Answer only requests with `Authorization: Bearer TOKEN`, which clients call API key
    #[arg(long, value_name = "TOKEN", env = "PASTICHE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// A name by which clients reach this machine, beside localhost and its addresses; may be given several times
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// Mix each model with the n-grams of its training text, or with nothing [default: ngram for models with n-gram counts]
    #[arg(long, value_enum)]
    pub mix: Option<Mix>,
    /// Also read the training text of each run, so that the server can say what a text has in common with it, and limit it
    #[arg(long)]
    pub trace: bool,
    /// Use 8-bit weights
    #[arg(long)]
    pub int8: bool,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}
