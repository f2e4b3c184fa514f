;; Products of a matrix and a vector, y = s * (A x), in 128-bit SIMD. A has `rows` rows of `columns` values, a multiple
;; of 16, row by row; s has a scale for each row, in 32-bit floats. x and y are 64-bit floats, and so are all sums.
(module
  (import "page" "memory" (memory 1))

  ;; The sum of the lanes of four vectors.
  (func $sum (param $s0 v128) (param $s1 v128) (param $s2 v128) (param $s3 v128) (result f64)
    (local.set $s0
      (f64x2.add (f64x2.add (local.get $s0) (local.get $s1)) (f64x2.add (local.get $s2) (local.get $s3))))
    (f64.add (f64x2.extract_lane 0 (local.get $s0)) (f64x2.extract_lane 1 (local.get $s0))))

  ;; A in 8-bit integers. Of four of them, the lower two are converted, and the upper two after a shuffle.
  (func (export "int8")
    (param $a i32) (param $scales i32) (param $x i32) (param $y i32) (param $rows i32) (param $columns i32)
    (local $end i32) (local $at i32) (local $of_x i32) (local $eight v128) (local $four v128)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (local.set $end (i32.add (local.get $y) (i32.shl (local.get $rows) (i32.const 3))))
    (block $done
      (loop $row
        (br_if $done (i32.ge_u (local.get $y) (local.get $end)))
        (local.set $s0 (v128.const f64x2 0 0))
        (local.set $s1 (v128.const f64x2 0 0))
        (local.set $s2 (v128.const f64x2 0 0))
        (local.set $s3 (v128.const f64x2 0 0))
        (local.set $at (i32.add (local.get $a) (local.get $columns)))
        (local.set $of_x (local.get $x))
        (loop $block
          (local.set $eight (v128.load8x8_s (local.get $a)))
          (local.set $four (i32x4.extend_low_i16x8_s (local.get $eight)))
          (local.set $s0 (f64x2.add (local.get $s0)
            (f64x2.mul (f64x2.convert_low_i32x4_s (local.get $four)) (v128.load (local.get $of_x)))))
          (local.set $four (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $four) (local.get $four)))
          (local.set $s1 (f64x2.add (local.get $s1)
            (f64x2.mul (f64x2.convert_low_i32x4_s (local.get $four)) (v128.load offset=16 (local.get $of_x)))))
          (local.set $four (i32x4.extend_high_i16x8_s (local.get $eight)))
          (local.set $s2 (f64x2.add (local.get $s2)
            (f64x2.mul (f64x2.convert_low_i32x4_s (local.get $four)) (v128.load offset=32 (local.get $of_x)))))
          (local.set $four (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $four) (local.get $four)))
          (local.set $s3 (f64x2.add (local.get $s3)
            (f64x2.mul (f64x2.convert_low_i32x4_s (local.get $four)) (v128.load offset=48 (local.get $of_x)))))
          (local.set $of_x (i32.add (local.get $of_x) (i32.const 64)))
          (local.set $a (i32.add (local.get $a) (i32.const 8)))
          (br_if $block (i32.lt_u (local.get $a) (local.get $at))))
        (f64.store (local.get $y)
          (f64.mul (f64.promote_f32 (f32.load (local.get $scales)))
            (call $sum (local.get $s0) (local.get $s1) (local.get $s2) (local.get $s3))))
        (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
        (local.set $y (i32.add (local.get $y) (i32.const 8)))
        (br $row))))

  ;; A in 32-bit floats; the scales are not read.
  (func (export "float32")
    (param $a i32) (param $scales i32) (param $x i32) (param $y i32) (param $rows i32) (param $columns i32)
    (local $end i32) (local $at i32) (local $of_x i32)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (local.set $end (i32.add (local.get $y) (i32.shl (local.get $rows) (i32.const 3))))
    (block $done
      (loop $row
        (br_if $done (i32.ge_u (local.get $y) (local.get $end)))
        (local.set $s0 (v128.const f64x2 0 0))
        (local.set $s1 (v128.const f64x2 0 0))
        (local.set $s2 (v128.const f64x2 0 0))
        (local.set $s3 (v128.const f64x2 0 0))
        (local.set $at (i32.add (local.get $a) (i32.shl (local.get $columns) (i32.const 2))))
        (local.set $of_x (local.get $x))
        (loop $block
          (local.set $s0 (f64x2.add (local.get $s0)
            (f64x2.mul (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $a)))
              (v128.load (local.get $of_x)))))
          (local.set $s1 (f64x2.add (local.get $s1)
            (f64x2.mul (f64x2.promote_low_f32x4 (v128.load64_zero offset=8 (local.get $a)))
              (v128.load offset=16 (local.get $of_x)))))
          (local.set $s2 (f64x2.add (local.get $s2)
            (f64x2.mul (f64x2.promote_low_f32x4 (v128.load64_zero offset=16 (local.get $a)))
              (v128.load offset=32 (local.get $of_x)))))
          (local.set $s3 (f64x2.add (local.get $s3)
            (f64x2.mul (f64x2.promote_low_f32x4 (v128.load64_zero offset=24 (local.get $a)))
              (v128.load offset=48 (local.get $of_x)))))
          (local.set $of_x (i32.add (local.get $of_x) (i32.const 64)))
          (local.set $a (i32.add (local.get $a) (i32.const 32)))
          (br_if $block (i32.lt_u (local.get $a) (local.get $at))))
        (f64.store (local.get $y) (call $sum (local.get $s0) (local.get $s1) (local.get $s2) (local.get $s3)))
        (local.set $y (i32.add (local.get $y) (i32.const 8)))
        (br $row)))))
