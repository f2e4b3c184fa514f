//! The loop that measures the machine's peak counts its operations.

use super::super::fma_peak::multiply_add;
use super::super::simd_level::SimdLevel;

#[test]
fn the_operations_are_counted_for_every_value() {
    // 12 chains of 65,536 fused multiply-adds, of two operations each.
    let scalar = multiply_add(SimdLevel::Scalar, 2);
    assert_eq!(scalar, 2.0 * 2.0 * 12.0 * 65_536.0);
    for level in SimdLevel::available() {
        let once = multiply_add(level, 1);
        assert_eq!(multiply_add(level, 3), 3.0 * once, "{level:?}");
        // Each of the wider levels computes whole vectors.
        assert_eq!(2.0 * once % scalar, 0.0, "{level:?}");
    }
}
