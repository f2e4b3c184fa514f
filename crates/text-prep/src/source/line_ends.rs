//! Converts CRLF and lone CR to LF in a stream of chunks.

#[derive(Default)]
pub(super) struct LineEnds {
    /// Whether the last chunk ended with a CR, already converted to LF. An LF at the start of the next
    /// chunk then belongs to it.
    after_cr: bool,
}

impl LineEnds {
    /// Converts a chunk in place; a chunk without CR is returned unchanged.
    pub fn unify(&mut self, text: String) -> String {
        let mut text = text;
        if text.is_empty() {
            return text;
        }
        if std::mem::take(&mut self.after_cr) && text.starts_with('\n') {
            text.drain(..1);
        }
        self.after_cr = text.ends_with('\r');
        let Some(first) = text.find('\r') else { return text };
        let mut bytes = text.into_bytes();
        let mut write = first;
        let mut read = first;
        while read < bytes.len() {
            // `read` is at a CR.
            bytes[write] = b'\n';
            write += 1;
            read += if bytes.get(read + 1) == Some(&b'\n') { 2 } else { 1 };
            let next = bytes[read..].iter().position(|&b| b == b'\r').map_or(bytes.len(), |n| read + n);
            bytes.copy_within(read..next, write);
            write += next - read;
            read = next;
        }
        bytes.truncate(write);
        String::from_utf8(bytes).expect("only CRs were replaced or removed")
    }
}
