//! One process, which needs nobody else.

use crate::Ranks;
use crate::error::Result;

/// The only rank of a job that is one process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Single;

impl Ranks for Single {
    fn rank(&self) -> usize {
        0
    }

    fn count(&self) -> usize {
        1
    }

    fn host(&self, _: usize) -> String {
        "this computer".into()
    }

    fn sum(&self, _: &mut Vec<f32>) -> Result<()> {
        Ok(())
    }

    fn broadcast(&self, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn gather(&self, bytes: Vec<u8>) -> Result<Option<Vec<Vec<u8>>>> {
        Ok(Some(vec![bytes]))
    }

    fn set_busy(&self, _: bool) {}

    fn finish(&self) -> Result<()> {
        Ok(())
    }

    fn abort(&self, code: i32, reason: &str) -> ! {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "error: {reason}");
        std::process::exit(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changes_where_there_is_nobody_else() {
        let (mut values, mut bytes) = (vec![1.5, -2.0], vec![1, 2]);
        Single.sum(&mut values).unwrap();
        Single.broadcast(&mut bytes).unwrap();
        assert_eq!((values, bytes), (vec![1.5, -2.0], vec![1, 2]));
        assert_eq!(Single.gather(vec![7]), Ok(Some(vec![vec![7]])));
        assert_eq!((Single.rank(), Single.count(), Single.finish()), (0, 1, Ok(())));
    }
}
