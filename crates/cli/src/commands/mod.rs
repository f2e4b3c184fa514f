//! One file a command: each reads its arguments, calls the crates and tells the result.

pub mod ask;
pub mod bench;
pub mod compare;
pub mod evaluate;
pub mod export;
pub mod fetch;
pub mod generate;
pub mod import;
pub mod prepare;
pub mod probe;
pub mod reproduce;
pub mod runs;
pub mod summary;
pub mod train;

/// The layout that was asked for.
fn layout(asked: args::Layout) -> models::foreign::Layout {
    match asked {
        args::Layout::Pytorch => models::foreign::Layout::Pytorch,
        args::Layout::Keras => models::foreign::Layout::Keras,
    }
}
