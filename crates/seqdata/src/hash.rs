//! SHA-256 hashes in hexadecimal, of ids and files.

use sha2::{Digest, Sha256};

/// The SHA-256 of `bytes` in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex_digest(Sha256::new().chain_update(bytes))
}

/// The final hash of `hasher` in hexadecimal.
pub(crate) fn hex_digest(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_the_empty_message_is_that_of_the_standard() {
        // FIPS 180-4, the example of the empty message.
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), expected);
    }
}
