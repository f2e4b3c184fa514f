//! The cells that have kernels, as an enum.

use super::elman::Activation;

/// A cell that has kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelCell {
    /// Vanilla RNN.
    Elman(Activation),
    /// LSTM.
    Lstm,
    /// GRU with the reset gate after the product.
    Gru,
}

/// Evaluates `$body` with `$cell` bound to the implementation of `$kernel_cell`.
macro_rules! by_cell {
    ($kernel_cell:expr, $cell:ident => $body:expr) => {
        match $kernel_cell {
            $crate::cpu::kernel_cell::KernelCell::Elman(activation) => {
                let $cell = $crate::cpu::elman::Elman(activation);
                $body
            }
            $crate::cpu::kernel_cell::KernelCell::Lstm => {
                let $cell = $crate::cpu::lstm::Lstm;
                $body
            }
            $crate::cpu::kernel_cell::KernelCell::Gru => {
                let $cell = $crate::cpu::gru::Gru;
                $body
            }
        }
    };
}
pub(crate) use by_cell;
