//! Prints the backend that `backend.toml` in the working directory names.

#![allow(clippy::print_stdout)]

use args::{BACKEND_FILE, BackendFile};

fn main() -> Result<(), String> {
    match BackendFile::read(".".as_ref())?.backend {
        Some(backend) => println!("{BACKEND_FILE} names {}", backend.name()),
        None => println!("{BACKEND_FILE} names no backend"),
    }
    Ok(())
}
