//! Non-blocking reads of keys from a terminal in raw mode, and the actions that they request.

use std::io;

/// An action requested by a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyAction {
    /// Ctrl-C or `q`: stop the run.
    Stop,
    /// Ctrl-Z: suspend the process until the shell resumes it.
    Suspend,
    /// Ctrl-L: redraw the whole screen.
    Redraw,
}

impl KeyAction {
    /// The action requested by the bytes of one read.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let controls = [(3, Self::Stop), (26, Self::Suspend), (12, Self::Redraw)];
        let control = controls.into_iter().find(|(byte, _)| bytes.contains(byte));
        // Only `q`, or the same key of a Korean keyboard layout: pasted text and the escape sequences of other
        // keys may contain a `q` too.
        let letters = std::str::from_utf8(bytes).unwrap_or_default().trim();
        let stop = !letters.is_empty() && letters.chars().all(|c| "qQㅂㅃ".contains(c));
        control.map(|(_, action)| action).or(stop.then_some(Self::Stop))
    }
}

/// The keyboard of the process's controlling terminal.
///
/// On Unix it is not read with crossterm, whose loop never ends if the terminal disappears during a read.
pub struct Keys {
    #[cfg(unix)]
    terminal: std::fs::File,
}

#[cfg(unix)]
impl Keys {
    /// Opens the keyboard.
    ///
    /// # Errors
    /// If the process has no controlling terminal.
    pub fn open() -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;

        // `O_NONBLOCK` for this file handle only: other readers of the terminal still block.
        let flag = if cfg!(any(target_os = "linux", target_os = "android")) { 0o4000 } else { 4 };
        Ok(Self { terminal: std::fs::OpenOptions::new().read(true).custom_flags(flag).open("/dev/tty")? })
    }

    /// The action requested since the last call.
    ///
    /// # Errors
    /// If the terminal was closed.
    pub fn poll_action(&mut self) -> io::Result<Option<KeyAction>> {
        use std::io::Read;

        let mut bytes = [0; 256];
        match self.terminal.read(&mut bytes) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => Ok(KeyAction::parse(&bytes[..count])),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
                _ => Err(error),
            },
        }
    }
}

#[cfg(not(unix))]
impl Keys {
    /// Opens the keyboard.
    ///
    /// # Errors
    /// Never fails here.
    pub fn open() -> io::Result<Self> {
        Ok(Self {})
    }

    /// The action requested since the last call.
    ///
    /// # Errors
    /// If the terminal was closed.
    pub fn poll_action(&mut self) -> io::Result<Option<KeyAction>> {
        use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

        let mut bytes = String::new();
        while event::poll(std::time::Duration::ZERO)? {
            let Event::Key(key) = event::read()? else { continue };
            let KeyCode::Char(letter) = key.code else { continue };
            if key.kind != KeyEventKind::Press {
                continue;
            }
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            // Encoded as a terminal in raw mode does.
            bytes.push(if control { (letter as u8 & 31).into() } else { letter });
        }
        Ok(KeyAction::parse(bytes.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_request_the_actions_that_the_footer_names() {
        for stop in ["q", "Q", "qq", "q\r", "ㅂ", "\u{3}", "ab\u{3}", "\u{1b}[A\u{3}"] {
            assert_eq!(KeyAction::parse(stop.as_bytes()), Some(KeyAction::Stop), "{stop:?}");
        }
        assert_eq!(KeyAction::parse(&[26]), Some(KeyAction::Suspend));
        assert_eq!(KeyAction::parse(&[12]), Some(KeyAction::Redraw));
    }

    #[test]
    fn other_keys_and_pasted_text_request_nothing() {
        for none in ["", " ", "c", "\u{1b}q", "\u{1b}[1;5q", "a question", "\r"] {
            assert_eq!(KeyAction::parse(none.as_bytes()), None, "{none:?}");
        }
        assert_eq!(KeyAction::parse(&[0xE3, 0x85]), None);
    }
}
