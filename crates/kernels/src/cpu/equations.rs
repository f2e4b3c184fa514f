//! Which cell a kernel runs, as a value.

use super::elman::Activation;

/// The equations that there are kernels for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equations {
    /// The plain recurrent network.
    Elman(Activation),
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent unit, reset after the product.
    Gru,
}

/// Runs `$body` with `$cell` the cell of the equations.
macro_rules! by_cell {
    ($equations:expr, $cell:ident => $body:expr) => {
        match $equations {
            $crate::cpu::equations::Equations::Elman(activation) => {
                let $cell = $crate::cpu::elman::Elman(activation);
                $body
            }
            $crate::cpu::equations::Equations::Lstm => {
                let $cell = $crate::cpu::lstm::Lstm;
                $body
            }
            $crate::cpu::equations::Equations::Gru => {
                let $cell = $crate::cpu::gru::Gru;
                $body
            }
        }
    };
}
pub(crate) use by_cell;
