//! A local server for trained language models.
//!
//! [`Server`] answers HTTP requests with the models that it is given: OpenAI's `/v1/completions`, `/v1/chat/completions` and
//! `/v1/models`, so that its clients can be used unchanged, and addresses of its own under `/api`. docs/serve.md describes
//! them.
//!
//! Connections have a thread of their own; the models compute on the thread that runs the server, which advances all running
//! texts together. A text with a seed is the same, bit for bit, whatever else is written at the same time.
//!
//! | module | contents |
//! |---|---|
//! | `server` | options, the address, connections and their limits |
//! | `app`, `access` | the addresses and who may ask them |
//! | `page_routes` | the page with which texts are written |
//! | `fields`, `path_name`, `completion_request` | from the bytes of a request to what it wants, with all limits |
//! | `engine`, `prediction`, `recent_texts` | running texts: written, or given and predicted, from recent ones on |
//! | `long_work` | work that may take long, by threads of its own |
//! | `completions`, `answer_format`, `next_tokens`, `trace`, `questions`, `model_list`, `run_events` | answers |
//! | `models` | the models, their names and blends of them |
//! | `shortened` | long texts of requests in messages |
//! | `system` | random bits and the time |

mod access;
mod answer_format;
mod api_error;
#[cfg(test)]
mod api_tests;
mod app;
mod completion_request;
mod completions;
#[cfg(test)]
mod connection_tests;
mod engine;
pub mod error;
mod fields;
mod long_work;
mod metrics;
mod model_list;
mod models;
mod next_tokens;
mod offsets;
mod page_routes;
mod path_name;
mod prediction;
mod questions;
mod recent_texts;
mod run_events;
mod server;
mod shortened;
#[cfg(test)]
mod socket_tests;
mod system;
#[cfg(test)]
mod test_server;
mod trace;

pub use error::{Error, Result};
pub use models::{ServedModel, ServedQuestionModel};
pub use server::{Options, Server, StopHandle};
