//! Says which backend `backend.toml` in the working directory asks for.

use args::{BACKEND_FILE, BackendChoice};

fn main() -> Result<(), String> {
    match BackendChoice::read(".".as_ref())?.backend {
        Some(backend) => println!("{BACKEND_FILE} asks for {}", backend.name()),
        None => println!("{BACKEND_FILE} asks for no backend"),
    }
    Ok(())
}
