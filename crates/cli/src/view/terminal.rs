//! Owns the terminal while a run is shown, and gives it back: knows the screen and what keys ask
//! for, not what is drawn.
//!
//! All of it is written to standard error: standard output carries what the program is asked for.

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
use super::keys::{Keys, Wish};
use super::state::Scene;

/// Time between two frames, and the longest that a key waits.
const TICK: Duration = Duration::from_millis(125);
/// A key that is held down repeats; so long after the first press it is still the same wish.
const SAME_WISH: Duration = Duration::from_millis(700);
/// How long a panic waits for a frame to be finished.
const PATIENCE: Duration = Duration::from_millis(300);

/// Is the terminal ours? A process has one. Who writes to it holds the lock.
static OURS: Mutex<bool> = Mutex::new(false);
static HOOK: Once = Once::new();

/// The terminal, held until this is dropped.
#[must_use = "dropping it gives the terminal back"]
pub struct Screen {
    ended: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal and begins to show `scene`, from a thread of its own.
    ///
    /// Ctrl-C and `q` call `on_stop`, on that thread. At the second time the terminal has been
    /// given back before: `on_stop` may then end the process.
    ///
    /// Whoever panics, on whatever thread, ends the view first, so that the message can be read.
    ///
    /// # Errors
    /// If standard error is no terminal, is shown on already, or cannot be set up.
    pub fn open(scene: Arc<Mutex<Scene>>, on_stop: Box<dyn Fn() + Send>) -> io::Result<Self> {
        if !io::stderr().is_terminal() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "standard error is no terminal",
            ));
        }
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore_within(PATIENCE);
                before(panic);
            }));
        });
        let mut ours = lock(&OURS);
        if *ours {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "a run is shown already"));
        }
        let terminal = take(&mut ours)?;
        drop(ours);
        let ended = Arc::new(AtomicBool::new(false));
        let painter = Painter {
            terminal,
            keys: Keys::open().ok(),
            scene,
            on_stop,
            ended: ended.clone(),
            wished: None,
        };
        let screen = Self { ended: ended.clone() };
        thread::Builder::new().name("view".into()).spawn(move || {
            let _end = End(ended);
            painter.run();
        })?;
        Ok(screen)
    }

    /// Is the run still shown? Not after a panic, a second wish to stop, or the end of the
    /// terminal (told within an eighth of a second); then it is time to write plain lines. Never
    /// waits.
    pub fn is_open(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The thread is not waited for: it ends by itself, and may be held up by a terminal that
        // is no more.
        if !self.ended.swap(true, Ordering::Relaxed) {
            restore();
        }
    }
}

/// Whether a run is shown.
pub fn is_shown() -> bool {
    *lock(&OURS)
}

/// Gives the terminal back if it is held: for those who end the process without dropping the
/// [`Screen`], such as the handler of a signal.
pub fn restore() {
    give_back(&mut lock(&OURS));
}

/// The same for a panic, whose thread may hold the lock itself.
fn restore_within(patience: Duration) {
    let since = Instant::now();
    loop {
        match OURS.try_lock() {
            Ok(mut ours) => return give_back(&mut ours),
            Err(TryLockError::Poisoned(ours)) => return give_back(&mut ours.into_inner()),
            Err(TryLockError::WouldBlock) if since.elapsed() > patience => {
                return give_back(&mut true);
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

type Stage = Terminal<CrosstermBackend<BufWriter<Stderr>>>;

/// Enters raw mode and the alternate screen.
fn take(ours: &mut bool) -> io::Result<Stage> {
    enable_raw_mode()?;
    *ours = true;
    let entered =
        execute!(io::stderr(), EnterAlternateScreen, Clear(ClearType::All), MoveTo(0, 0), Hide);
    // One write a frame, or it flickers.
    let writer = BufWriter::with_capacity(1 << 16, io::stderr());
    entered
        .and_then(|()| Terminal::new(CrosstermBackend::new(writer)))
        .inspect_err(|_| give_back(ours))
}

/// Undoes [`take`]. What fails, fails: there is nobody left to tell.
fn give_back(ours: &mut bool) {
    if std::mem::take(ours) {
        let _ = execute!(io::stderr(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
        let _ = io::stderr().flush();
    }
}

/// Tells, when the thread ends, that it did; after a panic of its own the hook could not.
struct End(Arc<AtomicBool>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        if thread::panicking() {
            *lock(&OURS) = false;
        }
    }
}

/// What lives on the thread.
struct Painter {
    terminal: Stage,
    /// None where the process belongs to no terminal: then it hears no keys.
    keys: Option<Keys>,
    scene: Arc<Mutex<Scene>>,
    on_stop: Box<dyn Fn() + Send>,
    ended: Arc<AtomicBool>,
    /// When a person first asked to stop.
    wished: Option<Instant>,
}

impl Painter {
    fn run(mut self) {
        // Keys first: they tell whether the terminal is still there.
        while let Ok(true) = self.obey().and_then(|goes_on| Ok(goes_on && self.frame()?)) {
            thread::sleep(TICK);
        }
        // The view is over, by itself or because the terminal went away: the run goes on.
        if !self.ended.swap(true, Ordering::Relaxed) {
            restore();
        }
        // It would show the cursor again, and panic where that cannot be written.
        std::mem::forget(self.terminal);
    }

    /// Draws a frame; false when the view is over.
    fn frame(&mut self) -> io::Result<bool> {
        // Copied, so that the training loop waits for a copy and never for the terminal.
        let mut scene = lock(&self.scene).clone();
        scene.run_on(Instant::now());
        let ours = lock(&OURS);
        if self.ended.load(Ordering::Relaxed) || !*ours {
            return Ok(false);
        }
        // It asks for the size first, and follows it.
        self.terminal.draw(|frame| draw(frame, &scene))?;
        Ok(true)
    }

    /// Does what keys ask for; false when the view is over.
    fn obey(&mut self) -> io::Result<bool> {
        let wish = self.keys.as_mut().map_or(Ok(None), Keys::wish)?;
        match wish {
            Some(Wish::Stop) => return Ok(self.stop()),
            Some(Wish::Suspend) => self.suspend()?,
            Some(Wish::Redraw) => self.again(|| ())?,
            None => {}
        }
        Ok(true)
    }

    /// Passes the wish to stop on; false at the second time.
    fn stop(&mut self) -> bool {
        let Some(wished) = self.wished else {
            self.wished = Some(Instant::now());
            lock(&self.scene).stopping = true;
            (self.on_stop)();
            return true;
        };
        if wished.elapsed() < SAME_WISH {
            return true;
        }
        self.ended.store(true, Ordering::Relaxed);
        restore();
        (self.on_stop)();
        false
    }

    /// Stops the process as a shell expects of Ctrl-Z, and goes on when it is called back.
    fn suspend(&mut self) -> io::Result<()> {
        self.again(|| {
            // The shell's `kill` speaks to the whole group, itself included: it comes back when
            // the group does. Where nobody could call the group back, the system ignores it.
            #[cfg(unix)]
            let _ = std::process::Command::new("sh").args(["-c", "kill -s TSTP 0"]).status();
        })
    }

    /// Gives the terminal back, does `between`, takes the terminal again and draws all of it anew.
    fn again(&mut self, between: impl FnOnce()) -> io::Result<()> {
        let mut ours = lock(&OURS);
        if !*ours {
            return Ok(());
        }
        give_back(&mut ours);
        between();
        let terminal = take(&mut ours)?;
        std::mem::forget(std::mem::replace(&mut self.terminal, terminal));
        Ok(())
    }
}

/// A panic elsewhere leaves whole what is behind the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn giving_back_what_is_not_held_writes_nothing_and_does_not_wait() {
        restore();
        restore();
        restore_within(Duration::ZERO);
        assert!(!*lock(&OURS));
    }
}
