//! Mutations of Burnpack and safetensors files.

use burn::tensor::{Bytes, DType};
use burn_pack::{Reader, Scalar, Tensor, Writer};
use seqdata::Random;

use super::{one_in, pick, text};

/// A Burnpack file in parts.
struct Pack {
    tensors: Vec<Part>,
    scalars: Vec<(String, Scalar)>,
    metadata: Vec<(String, String)>,
}

#[derive(Clone)]
struct Part {
    name: String,
    dtype: DType,
    shape: Vec<usize>,
    id: Option<u64>,
    bytes: Vec<u8>,
}

impl Pack {
    fn read(bytes: &[u8]) -> Option<Self> {
        let reader = Reader::from_bytes(Bytes::from_bytes_vec(bytes.to_vec())).ok()?;
        let scalars = reader.scalars().clone().into_iter().collect();
        let metadata = reader.metadata().clone().into_iter().collect();
        let part = |tensor: Tensor| {
            let (name, dtype, shape, id, bytes) = tensor.into_parts().unwrap();
            Part { name, dtype, shape: shape.to_vec(), id, bytes: bytes.to_vec() }
        };
        Some(Self { tensors: reader.into_tensors().ok()?.into_iter().map(part).collect(), scalars, metadata })
    }

    fn write(self) -> Option<Vec<u8>> {
        let tensor =
            |part: Part| Tensor::new(part.name, part.dtype, part.shape, part.id, Bytes::from_bytes_vec(part.bytes));
        let mut writer = Writer::new(self.tensors.into_iter().map(tensor).collect());
        for (key, value) in self.scalars {
            writer = writer.with_scalar(&key, value);
        }
        for (key, value) in self.metadata {
            writer = writer.with_metadata(&key, &value);
        }
        Some(writer.into_bytes().ok()?.to_vec())
    }
}

/// An optimizer's state without the hash that binds it to a checkpoint, as the first versions wrote it.
pub fn without_identity(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut pack = Pack::read(bytes)?;
    pack.metadata.retain(|(key, _)| key.parse::<u64>().is_ok());
    pack.write()
}

/// Changes a tensor, a scalar or an entry of a Burnpack file, or single bytes.
pub fn burnpack(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let changed = (!one_in(random, 6)).then(|| {
        let mut pack = Pack::read(bytes)?;
        change(random, &mut pack)?;
        pack.write()
    });
    changed.flatten().unwrap_or_else(|| text::bytes(random, bytes.into()))
}

fn change(random: &mut Random, pack: &mut Pack) -> Option<()> {
    let what = random.below(16);
    if what >= 14 && !pack.scalars.is_empty() {
        let at = random.below(pack.scalars.len() as u64) as usize;
        match random.below(4) {
            0 => drop(pack.scalars.remove(at)),
            1 => pack.scalars[at].0.push('1'),
            2 => pack.scalars[at].0.insert(0, '1'),
            _ => {
                let extremes = [
                    Scalar::Int(0),
                    Scalar::Int(-1),
                    Scalar::Int(i64::MAX),
                    Scalar::UInt(u64::MAX),
                    Scalar::UInt(9),
                    Scalar::Float(f64::NAN),
                    Scalar::Bool(true),
                ];
                pack.scalars[at].1 = *pick(random, &extremes);
            }
        }
        return Some(());
    }
    if what == 13 && !pack.metadata.is_empty() {
        let at = random.below(pack.metadata.len() as u64) as usize;
        match random.below(3) {
            0 => drop(pack.metadata.remove(at)),
            1 => pack.metadata[at].0.insert(0, '1'),
            _ => pack.metadata[at].1.push('x'),
        }
        return Some(());
    }
    let count = pack.tensors.len() as u64;
    let (at, other) = (random.below(count.max(1)) as usize, random.below(count.max(1)) as usize);
    let donor = pack.tensors.get(other)?.clone();
    let tensor = &mut pack.tensors[at];
    match what {
        0 => tensor.dtype = *pick(random, &[DType::I32, DType::U32]),
        1 => {
            tensor.dtype = *pick(random, &[DType::F64, DType::I64, DType::F16, DType::BF16, DType::U8]);
            let size = tensor.dtype.size();
            tensor.bytes.resize(tensor.shape.iter().product::<usize>() * size, 0);
        }
        2 => tensor.shape.reverse(),
        3 => tensor.shape = vec![tensor.shape.iter().product()],
        4 => tensor.shape.insert(0, 1),
        5 => {
            let axis = random.below(tensor.shape.len().max(1) as u64) as usize;
            let size = tensor.shape.get_mut(axis)?;
            *size = *pick(random, &[0, 1, *size + 1, *size * 2, 1_000]);
            tensor.bytes.resize(4 * tensor.shape.iter().product::<usize>(), 0);
        }
        6 => tensor.name.push('x'),
        7 => {
            // The first characters of an optimizer's names are the id of a parameter.
            let digit = *pick(random, &['0', '9', 'x', '.']);
            tensor.name.replace_range(0..1, &digit.to_string());
        }
        8 => tensor.id = *pick(random, &[None, Some(0), Some(u64::MAX), donor.id, tensor.id.map(|id| id ^ 1)]),
        9 => drop(pack.tensors.remove(at)),
        10 => {
            let name = format!("{}x", donor.name);
            pack.tensors.push(Part { name, ..donor });
        }
        11 => tensor.bytes = donor.bytes,
        _ => {
            let values = [f32::NAN, f32::INFINITY, -1.0, f32::MAX, f32::MIN_POSITIVE, 0.0];
            let value = pick(random, &values).to_le_bytes();
            let values = tensor.bytes.len() / 4;
            let start = 4 * random.below(values.max(1) as u64) as usize;
            tensor.bytes.get_mut(start..start + 4)?.copy_from_slice(&value);
        }
    }
    Some(())
}

/// Changes the header of a safetensors file, whose length stays right, or single bytes.
pub fn safetensors(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let split = |bytes: &[u8]| -> Option<(Vec<u8>, Vec<u8>)> {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (header, data) = rest.split_at_checked(u64::from_le_bytes(*length).try_into().ok()?)?;
        Some((header.to_vec(), data.to_vec()))
    };
    match split(bytes) {
        Some((header, data)) if !one_in(random, 4) => {
            let header = text::json(random, &header);
            [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
        }
        _ => text::bytes(random, bytes.into()),
    }
}
