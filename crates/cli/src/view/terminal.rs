//! Takes over the terminal while a run is shown, handles keys, and restores the terminal afterwards.
//!
//! The view is written to standard error: standard output carries the results of the program.

use std::io::{self, BufWriter, IsTerminal, Stderr, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, MoveTo, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use super::draw::draw;
use super::keys::{KeyAction, Keys};
use super::state::ViewState;

/// Time between two frames, and the maximum delay of a key.
const FRAME_INTERVAL: Duration = Duration::from_millis(125);
/// A key that is held down repeats: within this time after the first press it is the same request.
const KEY_REPEAT_WINDOW: Duration = Duration::from_millis(700);
/// The maximum time that a panic waits for a frame to be finished.
const PANIC_LOCK_TIMEOUT: Duration = Duration::from_millis(300);

/// Whether the view owns the terminal, of which a process has one. Held while writing to the terminal.
static TERMINAL_OWNED: Mutex<bool> = Mutex::new(false);
static PANIC_HOOK: Once = Once::new();

/// The view on the terminal, shown until this is dropped.
#[must_use = "dropping it restores the terminal"]
pub struct Screen {
    ended: Arc<AtomicBool>,
}

impl Screen {
    /// Takes over the terminal and shows `state` from a separate thread.
    ///
    /// Ctrl-C and `q` call `on_stop` on that thread. Before the second call the terminal is restored, so that
    /// `on_stop` may exit the process.
    ///
    /// A panic on any thread closes the view first, so that its message is readable.
    ///
    /// # Errors
    /// If standard error is not a terminal, a view is shown already, or the terminal cannot be set up.
    pub fn open(state: Arc<Mutex<ViewState>>, on_stop: Box<dyn Fn() + Send>) -> io::Result<Self> {
        if !io::stderr().is_terminal() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "standard error is not a terminal"));
        }
        PANIC_HOOK.call_once(|| {
            let previous = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore_within(PANIC_LOCK_TIMEOUT);
                previous(panic);
            }));
        });
        let mut owned = lock(&TERMINAL_OWNED);
        if *owned {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another run is already shown"));
        }
        let terminal = take_over(&mut owned)?;
        drop(owned);
        let ended = Arc::new(AtomicBool::new(false));
        let renderer = Renderer {
            terminal,
            keys: Keys::open().ok(),
            state,
            on_stop,
            ended: ended.clone(),
            first_stop_request: None,
        };
        let screen = Self { ended: ended.clone() };
        thread::Builder::new().name("view".into()).spawn(move || {
            let _guard = EndGuard(ended);
            renderer.run();
        })?;
        Ok(screen)
    }

    /// Whether the run is still shown. False after a panic, a second stop request, or (within one frame) after
    /// the terminal was closed: then the caller should print plain lines. Never blocks.
    pub fn is_open(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The thread is not joined: it ends by itself, and may be blocked by a terminal that was closed.
        if !self.ended.swap(true, Ordering::Relaxed) {
            restore();
        }
    }
}

/// Whether the view is shown.
pub fn is_shown() -> bool {
    *lock(&TERMINAL_OWNED)
}

/// Restores the terminal if the view owns it: for code that exits the process without dropping the [`Screen`],
/// such as a signal handler.
pub fn restore() {
    restore_terminal(&mut lock(&TERMINAL_OWNED));
}

/// Like [`restore`], for a panic, whose thread may itself hold the lock.
fn restore_within(timeout: Duration) {
    let since = Instant::now();
    loop {
        match TERMINAL_OWNED.try_lock() {
            Ok(mut owned) => return restore_terminal(&mut owned),
            Err(TryLockError::Poisoned(owned)) => return restore_terminal(&mut owned.into_inner()),
            Err(TryLockError::WouldBlock) if since.elapsed() > timeout => {
                return restore_terminal(&mut true);
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

type StderrTerminal = Terminal<CrosstermBackend<BufWriter<Stderr>>>;

/// Enters raw mode and the alternate screen.
fn take_over(owned: &mut bool) -> io::Result<StderrTerminal> {
    enable_raw_mode()?;
    *owned = true;
    let entered = execute!(io::stderr(), EnterAlternateScreen, Clear(ClearType::All), MoveTo(0, 0), Hide);
    // One write per frame, to avoid flicker.
    let writer = BufWriter::with_capacity(1 << 16, io::stderr());
    entered.and_then(|()| Terminal::new(CrosstermBackend::new(writer))).inspect_err(|_| restore_terminal(owned))
}

/// Undoes [`take_over`]. Errors are ignored: there is no place to report them.
fn restore_terminal(owned: &mut bool) {
    if std::mem::take(owned) {
        let _ = execute!(io::stderr(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
        let _ = io::stderr().flush();
    }
}

/// Records that the thread has ended, also after its own panic.
struct EndGuard(Arc<AtomicBool>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        if thread::panicking() {
            *lock(&TERMINAL_OWNED) = false;
        }
    }
}

/// The drawing thread.
struct Renderer {
    terminal: StderrTerminal,
    /// None if the process has no controlling terminal: then there are no keys.
    keys: Option<Keys>,
    state: Arc<Mutex<ViewState>>,
    on_stop: Box<dyn Fn() + Send>,
    ended: Arc<AtomicBool>,
    /// When the user first requested a stop.
    first_stop_request: Option<Instant>,
}

impl Renderer {
    fn run(mut self) {
        // Keys first: reading them reveals whether the terminal still exists.
        while let Ok(true) = self.handle_keys().and_then(|is_open| Ok(is_open && self.frame()?)) {
            thread::sleep(FRAME_INTERVAL);
        }
        // The view is closed, or the terminal is gone: training continues.
        if !self.ended.swap(true, Ordering::Relaxed) {
            restore();
        }
        // Dropping it would show the cursor again, and panic if that cannot be written.
        std::mem::forget(self.terminal);
    }

    /// Draws a frame; false if the view is closed.
    fn frame(&mut self) -> io::Result<bool> {
        // Copied, so that the training loop never waits for the terminal.
        let mut state = lock(&self.state).clone();
        state.advance_clocks(Instant::now());
        let owned = lock(&TERMINAL_OWNED);
        if self.ended.load(Ordering::Relaxed) || !*owned {
            return Ok(false);
        }
        // It queries the terminal size first, and adapts to it.
        self.terminal.draw(|frame| draw(frame, &state))?;
        Ok(true)
    }

    /// Performs the action requested by a key; false if the view is closed.
    fn handle_keys(&mut self) -> io::Result<bool> {
        match self.keys.as_mut().map_or(Ok(None), Keys::poll_action)? {
            Some(KeyAction::Stop) => return Ok(self.stop()),
            Some(KeyAction::Suspend) => self.suspend()?,
            Some(KeyAction::Redraw) => self.retake_after(|| ())?,
            None => {}
        }
        Ok(true)
    }

    /// Forwards the stop request; false on the second one, which closes the view.
    fn stop(&mut self) -> bool {
        let Some(first) = self.first_stop_request else {
            self.first_stop_request = Some(Instant::now());
            lock(&self.state).stopping = true;
            (self.on_stop)();
            return true;
        };
        if first.elapsed() < KEY_REPEAT_WINDOW {
            return true;
        }
        self.ended.store(true, Ordering::Relaxed);
        restore();
        (self.on_stop)();
        false
    }

    /// Suspends the process as a shell expects of Ctrl-Z, and continues when it is resumed.
    fn suspend(&mut self) -> io::Result<()> {
        self.retake_after(|| {
            // `kill 0` signals the whole process group including this shell, which returns when the group is
            // resumed. For an orphaned process group the system ignores the signal.
            #[cfg(unix)]
            let _ = std::process::Command::new("sh").args(["-c", "kill -s TSTP 0"]).status();
        })
    }

    /// Restores the terminal, runs `action`, takes over the terminal again and redraws the whole screen.
    fn retake_after(&mut self, action: impl FnOnce()) -> io::Result<()> {
        let mut owned = lock(&TERMINAL_OWNED);
        if !*owned {
            return Ok(());
        }
        restore_terminal(&mut owned);
        action();
        let terminal = take_over(&mut owned)?;
        std::mem::forget(std::mem::replace(&mut self.terminal, terminal));
        Ok(())
    }
}

/// Locks `mutex`; the data stays valid even if another thread panicked while holding the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restoring_a_terminal_that_is_not_owned_does_nothing_and_does_not_block() {
        restore();
        restore();
        restore_within(Duration::ZERO);
        assert!(!*lock(&TERMINAL_OWNED));
    }
}
