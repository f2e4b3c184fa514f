//! The thread that computes: it goes round all running texts and advances each by a token (continuous batching), so that
//! texts that come and go are read as one batch. A text is the same as if it were alone.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use generate::{OngoingSample, Prompt, SampledToken, Sampling};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::api_error::ApiError;
use crate::metrics::Metrics;
use crate::models::{ModelChoice, Models};
use crate::prediction::{OngoingPrediction, Prediction, PredictionRequest};
use crate::recent_texts::RecentTexts;

/// The texts that are advanced at once.
pub(crate) const MAX_RUNNING: usize = 64;
/// The texts that wait for their turn.
pub(crate) const MAX_WAITING: usize = 64;
/// The ids of prompts and given texts that are read in one round: of all texts together, so that those that are being written
/// need not wait long for their next token.
const IDS_PER_ROUND: usize = 256;
/// The events of a text in one round: its last piece, and its end.
const EVENTS_PER_ROUND: usize = 2;
/// The rounds that a reader may be behind. With 0.08 ms per round and more, they last longer than the time between two writes
/// of a stream, so that the engine need not wait for it.
const ROUNDS_BEHIND: usize = 128;
/// How long the engine waits if no reader has taken what was written for it.
const READER_WAIT: Duration = Duration::from_millis(5);
/// How long a reader may take nothing before its text is given up.
const READER_LIMIT: Duration = Duration::from_secs(30);

/// What is wanted of the engine.
pub(crate) struct Job {
    /// The number of the answer among those of its request.
    pub index: usize,
    /// The number of answers of the request, which have one receiver of events.
    pub answers: usize,
    pub model: ModelChoice,
    pub work: Work,
    pub events: EventSender,
    /// Its slot, of which there are [`MAX_RUNNING`] and [`MAX_WAITING`].
    pub permit: OwnedSemaphorePermit,
}

/// The work of a job.
pub(crate) enum Work {
    /// Writes a text.
    Sample {
        prompt: Prompt,
        sampling: Box<Sampling>,
        number: u64,
        /// The number of likeliest tokens to report beside each token.
        log_probs: Option<usize>,
        /// Whether the text is reported as it grows, and not only as a whole.
        in_pieces: bool,
        /// The most tokens in a row that may be copied from the training text, which was read.
        max_copied: Option<usize>,
    },
    /// Predicts the tokens of a given text, or the next one.
    Predict(PredictionRequest),
}

/// What the engine reports about a job. The events end with one that is not [`Event::Text`].
pub(crate) enum Event {
    /// More text, which may be empty, and the tokens of it if they are wanted.
    Text { text: String, tokens: Vec<SampledToken> },
    /// The text is complete.
    End { is_complete: bool, tokens: usize },
    /// The tokens were predicted.
    Predicted(Prediction),
    /// The text cannot be written or read.
    Failed(ApiError),
}

/// Takes the events of a request, each with the number of its answer.
pub(crate) type EventSender = tokio::sync::mpsc::Sender<(usize, Event)>;
/// Gives these events.
pub(crate) type EventReceiver = tokio::sync::mpsc::Receiver<(usize, Event)>;

/// The way to the engine.
#[derive(Clone)]
pub(crate) struct EngineHandle {
    jobs: Sender<Message>,
    /// A permit for each text that may run or wait.
    slots: Arc<Semaphore>,
}

enum Message {
    Job(Box<Job>),
    Stop,
}

/// A channel for the events of a request with this number of answers.
pub(crate) fn event_channel(answers: usize) -> (EventSender, EventReceiver) {
    tokio::sync::mpsc::channel(answers * EVENTS_PER_ROUND * ROUNDS_BEHIND)
}

impl EngineHandle {
    /// Slots for this number of texts.
    ///
    /// # Errors
    /// 429 if there are not as many.
    pub fn reserve(&self, count: usize) -> Result<Vec<OwnedSemaphorePermit>, ApiError> {
        let slot = |_| match self.slots.clone().try_acquire_owned() {
            Ok(permit) => Ok(permit),
            Err(TryAcquireError::NoPermits) => Err(ApiError::busy()),
            Err(TryAcquireError::Closed) => Err(ApiError::stopping()),
        };
        (0..count).map(slot).collect()
    }

    /// Begins a job. Once the engine has stopped, the job's events end at once.
    pub fn begin(&self, job: Job) {
        let _ = self.jobs.send(Message::Job(Box::new(job)));
    }

    /// Gives up all texts and ends the engine.
    pub fn stop(&self) {
        self.slots.close();
        let _ = self.jobs.send(Message::Stop);
    }
}

/// The engine before its start.
pub(crate) struct Engine {
    jobs: Receiver<Message>,
}

impl Engine {
    /// An engine and the way to it.
    pub fn new() -> (EngineHandle, Self) {
        let (sender, jobs) = mpsc::channel();
        let slots = Arc::new(Semaphore::new(MAX_RUNNING + MAX_WAITING));
        (EngineHandle { jobs: sender, slots }, Self { jobs })
    }

    /// Computes until it is stopped; sleeps when no text is running, and while no reader takes what was written.
    pub fn run(mut self, models: &Models, metrics: &Metrics) {
        let mut round =
            Round { models, metrics, waiting: VecDeque::new(), running: Vec::new(), recent: RecentTexts::default() };
        let mut pause = Pause::Idle;
        loop {
            let message = match pause {
                Pause::Idle => Some(self.jobs.recv().unwrap_or(Message::Stop)),
                Pause::Readers => wait(&self.jobs),
                Pause::Stop => return,
            };
            match message {
                Some(Message::Job(job)) => round.waiting.push_back(*job),
                Some(Message::Stop) => return,
                None => {}
            }
            // Anew after each pause, in which the workers have fallen asleep.
            let jobs = &mut self.jobs;
            pause = kernels::with_spinning_workers(models.is_packed(), || round.run_all(jobs));
        }
    }
}

/// Why the engine does not compute.
enum Pause {
    /// No text is running.
    Idle,
    /// No reader has room for an event.
    Readers,
    /// The engine was stopped.
    Stop,
}

/// The texts.
struct Round<'a> {
    models: &'a Models,
    metrics: &'a Metrics,
    waiting: VecDeque<Job>,
    running: Vec<Text<'a>>,
    recent: RecentTexts<'a>,
}

/// A running text.
struct Text<'a> {
    index: usize,
    /// The events that its request may need room for in a round.
    events_per_round: usize,
    /// Whether it is reported as it grows, and not only as a whole.
    in_pieces: bool,
    /// Whether an error has ended it.
    has_failed: bool,
    state: State<'a>,
    events: EventSender,
    /// Since when its reader has taken nothing.
    stuck_since: Option<Instant>,
    _permit: OwnedSemaphorePermit,
}

enum State<'a> {
    Sample(Box<OngoingSample<'a>>),
    Predict(Box<OngoingPrediction<'a>>),
}

impl<'a> Round<'a> {
    /// Goes round all texts until there is a reason to pause.
    fn run_all(&mut self, jobs: &mut Receiver<Message>) -> Pause {
        loop {
            self.begin_waiting();
            if self.running.is_empty() {
                return Pause::Idle;
            }
            if !self.step() {
                return Pause::Readers;
            }
            while let Ok(message) = jobs.try_recv() {
                match message {
                    Message::Job(job) => self.waiting.push_back(*job),
                    Message::Stop => return Pause::Stop,
                }
            }
        }
    }

    /// Begins waiting jobs as long as there is room.
    fn begin_waiting(&mut self) {
        // Those that nobody waits for leave their slots at once, not when it is their turn.
        self.waiting.retain(|job| !job.events.is_closed());
        while self.running.len() < MAX_RUNNING
            && let Some(job) = self.waiting.pop_front()
        {
            let Job { index, answers, model, work, events, permit } = job;
            let blend = self.models.blend(&model);
            let in_pieces = matches!(work, Work::Sample { in_pieces: true, .. });
            let state = match work {
                Work::Sample { prompt, sampling, number, log_probs, in_pieces: _, max_copied } => {
                    let limit = self.models.training_text(&model).ok().zip(max_copied);
                    OngoingSample::new(&blend, &prompt, &sampling, number).map(|sample| {
                        let sample = log_probs.into_iter().fold(sample, OngoingSample::with_log_probs);
                        let limited = |sample: OngoingSample<'a>, (text, most)| sample.with_copy_limit(text, most);
                        let sample = limit.into_iter().fold(sample, limited);
                        State::Sample(Box::new(sample))
                    })
                }
                Work::Predict(request) => {
                    let prediction = OngoingPrediction::new(&blend, model, request, &mut self.recent);
                    prediction.map(|prediction| State::Predict(Box::new(prediction)))
                }
            };
            match state {
                Ok(state) => {
                    let events_per_round = EVENTS_PER_ROUND * answers;
                    let (has_failed, stuck_since) = (false, None);
                    self.running.push(Text {
                        index,
                        events_per_round,
                        in_pieces,
                        has_failed,
                        state,
                        events,
                        stuck_since,
                        _permit: permit,
                    });
                }
                Err(error) => {
                    let _ = events.try_send((index, Event::Failed(ApiError::of_text(&error))));
                }
            }
        }
        self.metrics.running.set(self.running.len() as u64);
        self.metrics.waiting.set(self.waiting.len() as u64);
    }

    /// Advances each text whose reader has room for an event. Returns whether there was one.
    fn step(&mut self) -> bool {
        self.remove(Text::is_given_up);
        // Each text is the first one in turn, so that none waits for all others to be read.
        if !self.running.is_empty() {
            self.running.rotate_left(1);
        }
        let mut ready: Vec<&mut Text> = self.running.iter_mut().filter(|text| text.stuck_since.is_none()).collect();
        if ready.is_empty() {
            return self.running.is_empty();
        }
        let mut ids = IDS_PER_ROUND;
        let mut results: Vec<generate::Result<()>> = ready.iter_mut().map(|text| text.predict(&mut ids)).collect();
        let mut samples: Vec<(usize, &mut OngoingSample)> = Vec::new();
        for (at, text) in ready.iter_mut().enumerate() {
            if let State::Sample(sample) = &mut text.state {
                samples.push((at, sample));
            }
        }
        let mut group: Vec<&mut OngoingSample> = samples.iter_mut().map(|(_, sample)| &mut **sample).collect();
        let (stepped, _) = OngoingSample::step_each(&mut group, ids);
        for ((at, _), stepped) in samples.into_iter().zip(stepped) {
            results[at] = stepped;
        }
        let metrics = self.metrics;
        let ended: Vec<bool> =
            ready.into_iter().zip(results).map(|(text, result)| text.report(result, metrics)).collect();
        let mut ended = ended.into_iter();
        // Those that were not ready have not ended.
        self.remove(|text| text.stuck_since.is_none() && ended.next().unwrap_or_default());
        true
    }

    /// Removes texts. Those whose next token was asked for are kept, because they are often asked about again with more text.
    fn remove(&mut self, is_removed: impl FnMut(&mut Text<'a>) -> bool) {
        for text in self.running.extract_if(.., is_removed) {
            if let (false, State::Predict(prediction)) = (text.has_failed, text.state)
                && let Some(recent) = prediction.into_recent()
            {
                self.recent.keep(recent);
            }
        }
    }
}

impl Text<'_> {
    /// Whether nobody reads the text any more. Also notes whether its reader has no room for an event.
    fn is_given_up(&mut self) -> bool {
        if self.events.capacity() >= self.events_per_round {
            self.stuck_since = None;
        } else {
            self.stuck_since.get_or_insert_with(Instant::now);
        }
        self.events.is_closed() || self.stuck_since.is_some_and(|since| since.elapsed() > READER_LIMIT)
    }

    /// Reads at most `limit` more ids, which is lowered by their number, if it is a given text.
    fn predict(&mut self, limit: &mut usize) -> generate::Result<()> {
        match &mut self.state {
            State::Sample(_) => Ok(()),
            State::Predict(prediction) => prediction.step(limit),
        }
    }

    /// Reports what is new. Returns whether the text has ended.
    fn report(&mut self, result: generate::Result<()>, metrics: &Metrics) -> bool {
        let mut events = Vec::new();
        match (&mut self.state, result) {
            (_, Err(error)) => {
                self.has_failed = true;
                events.push(Event::Failed(ApiError::of_text(&error)));
            }
            // Waking the thread of the connections for each token of a text that is answered as a whole would be for nothing.
            (State::Sample(sample), Ok(())) if !self.in_pieces && !sample.is_finished() => {}
            (State::Sample(sample), Ok(())) => {
                let text = sample.take_text().to_owned();
                let tokens = sample.take_tokens();
                if !text.is_empty() || !tokens.is_empty() {
                    events.push(Event::Text { text, tokens });
                }
                if sample.is_finished() {
                    metrics.written_tokens.add(sample.tokens() as u64);
                    events.push(Event::End { is_complete: sample.is_complete(), tokens: sample.tokens() });
                }
            }
            (State::Predict(prediction), Ok(())) => {
                events.extend(prediction.take_result().map(Event::Predicted));
            }
        }
        let has_ended = events.last().is_some_and(|event| !matches!(event, Event::Text { .. }));
        let sent = events.into_iter().all(|event| self.events.try_send((self.index, event)).is_ok());
        has_ended || !sent
    }
}

/// The next message, if one comes soon.
fn wait(jobs: &Receiver<Message>) -> Option<Message> {
    match jobs.recv_timeout(READER_WAIT) {
        Ok(message) => Some(message),
        Err(RecvTimeoutError::Timeout) => None,
        // Nobody can begin a job any more.
        Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
    }
}
