//! Keys of a terminal in raw mode, read without ever waiting for one: knows what a key asks for,
//! not who grants it.

use std::io;

/// What a person asks for with a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wish {
    /// Ctrl-C or `q`: stop the run.
    Stop,
    /// Ctrl-Z: stop the process until the shell calls it back.
    Suspend,
    /// Ctrl-L: draw all of it anew.
    Redraw,
}

impl Wish {
    /// What the bytes of one look at the keyboard ask for.
    fn of(bytes: &[u8]) -> Option<Self> {
        let controls = [(3, Self::Stop), (26, Self::Suspend), (12, Self::Redraw)];
        let control = controls.into_iter().find(|(byte, _)| bytes.contains(byte));
        // Nothing but `q`, or the same key under a Korean keyboard: what was pasted, and the
        // sequence of another key, may hold one too.
        let letters = std::str::from_utf8(bytes).unwrap_or_default().trim();
        let stop = !letters.is_empty() && letters.chars().all(|c| "qQㅂㅃ".contains(c));
        control.map(|(_, wish)| wish).or(stop.then_some(Self::Stop))
    }
}

/// The keyboard of the terminal that the process belongs to.
///
/// On Unix it is not read through crossterm, whose loop spins for ever when the terminal goes away
/// while it looks.
pub struct Keys {
    #[cfg(unix)]
    terminal: std::fs::File,
}

#[cfg(unix)]
impl Keys {
    /// Opens the keyboard.
    ///
    /// # Errors
    /// If the process belongs to no terminal.
    pub fn open() -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;

        // `O_NONBLOCK`, for this handle alone: others that read the terminal still wait.
        let flag = if cfg!(any(target_os = "linux", target_os = "android")) { 0o4000 } else { 4 };
        let terminal =
            std::fs::OpenOptions::new().read(true).custom_flags(flag).open("/dev/tty")?;
        Ok(Self { terminal })
    }

    /// What was asked for since the last call.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn wish(&mut self) -> io::Result<Option<Wish>> {
        use std::io::Read;

        let mut bytes = [0; 256];
        match self.terminal.read(&mut bytes) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => Ok(Wish::of(&bytes[..count])),
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
    /// None here.
    pub fn open() -> io::Result<Self> {
        Ok(Self {})
    }

    /// What was asked for since the last call.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn wish(&mut self) -> io::Result<Option<Wish>> {
        use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

        let mut bytes = String::new();
        while event::poll(std::time::Duration::ZERO)? {
            let Event::Key(key) = event::read()? else { continue };
            let KeyCode::Char(letter) = key.code else { continue };
            if key.kind != KeyEventKind::Press {
                continue;
            }
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            // As a terminal in raw mode sends it.
            bytes.push(if control { (letter as u8 & 31).into() } else { letter });
        }
        Ok(Wish::of(bytes.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ask_for_what_the_footer_says() {
        for stop in ["q", "Q", "qq", "q\r", "ㅂ", "\u{3}", "ab\u{3}", "\u{1b}[A\u{3}"] {
            assert_eq!(Wish::of(stop.as_bytes()), Some(Wish::Stop), "{stop:?}");
        }
        assert_eq!(Wish::of(&[26]), Some(Wish::Suspend));
        assert_eq!(Wish::of(&[12]), Some(Wish::Redraw));
    }

    #[test]
    fn other_keys_and_what_is_pasted_ask_for_nothing() {
        for none in ["", " ", "c", "\u{1b}q", "\u{1b}[1;5q", "a question", "\r"] {
            assert_eq!(Wish::of(none.as_bytes()), None, "{none:?}");
        }
        assert_eq!(Wish::of(&[0xE3, 0x85]), None);
    }
}
