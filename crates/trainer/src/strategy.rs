//! The loop: our strategy inside burn-train's `SupervisedTraining`.
//!
//! It owns model, optimizer and position in the data, which Burn's own strategies keep to
//! themselves; so every epoch can be checkpointed whole and opened again by its number.

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::time::Instant;

use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::train::{
    EventProcessorTraining, Interrupter, Learner, LearnerEvent, SupervisedLearningStrategy,
    SupervisedTrainingEventProcessor, TrainLoader, TrainStep, TrainingComponents, TrainingItem,
    ValidLoader,
};
use models::{About, Artifact, LanguageModel, Score, State};
use seqdata::{Batch, EpochClock};

use crate::checkpoint::{Checkpoints, Progress};
use crate::config::{Method, TrainConfig};
use crate::error::{Error, Result};
use crate::estimate::{memory_bytes, seconds_per_step};
use crate::observer::{EpochReport, Observer, Plan, StepReport};
use crate::task::{StepOutput, Trainee};
use crate::train::Identity;

/// All that the loop changes or asks, handed in once and handed back.
pub(crate) struct Course {
    pub config: TrainConfig,
    pub identity: Identity,
    pub optimizer: ModuleOptimizer,
    pub progress: Progress,
    pub checkpoints: Checkpoints,
    pub clock: EpochClock,
    pub steps_per_epoch: usize,
    pub observer: Box<dyn Observer>,
}

impl Course {
    /// The factor of the update at step `step` of the whole run, counted from 0.
    fn learning_rate(&self, step: u64) -> f64 {
        let TrainConfig { learning_rate, schedule, epochs, .. } = self.config;
        learning_rate * schedule.share(step, (epochs * self.steps_per_epoch) as u64)
    }
}

/// The strategy: a course that waits to be run, then its outcome.
pub(crate) struct EpochStrategy {
    course: Mutex<Option<Course>>,
    outcome: Mutex<Option<Result<Progress>>>,
}

type Events = SupervisedTrainingEventProcessor<Trainee>;

impl EpochStrategy {
    pub fn new(course: Course) -> Self {
        Self { course: Mutex::new(Some(course)), outcome: Mutex::new(None) }
    }

    /// What became of the run.
    pub fn outcome(&self) -> Result<Progress> {
        let outcome = self.outcome.lock().expect("the loop ran in this thread").take();
        outcome.unwrap_or_else(|| Err(Error::Burn("the loop did not run".into())))
    }
}

impl SupervisedLearningStrategy<Trainee> for EpochStrategy {
    fn fit(
        &self,
        components: TrainingComponents<Trainee>,
        learner: Learner<Trainee>,
        train: TrainLoader<Trainee>,
        valid: ValidLoader<Trainee>,
        starting_epoch: usize,
    ) -> (Trainee, Events) {
        let trainee = learner.model();
        // Weights that nobody else holds are updated in place.
        drop(learner);
        let mut events = components.event_processor;
        let course = self.course.lock().expect("the loop ran in this thread").take();
        let mut course = course.expect("a strategy fits once");
        let interrupter = components.interrupter;
        let mut run = Run {
            course: &mut course,
            events: &mut events,
            interrupter: &interrupter,
            trainee: Some(trainee),
        };
        let result = run.epochs(&*train, &*valid, starting_epoch..=components.num_epochs);
        let trainee = run.trainee.take().expect(HELD);
        let outcome = result.map(|()| course.progress);
        *self.outcome.lock().expect("the loop ran in this thread") = Some(outcome);
        (trainee, events)
    }
}

const HELD: &str = "the model is away only while it is updated";

/// What a pass over the training text came to, so far.
#[derive(Clone, Copy, Default)]
struct Pass {
    score: Score,
    /// Ids read.
    tokens: usize,
    /// Wall time of training alone.
    seconds: f64,
}

/// A course under way.
struct Run<'a> {
    course: &'a mut Course,
    events: &'a mut Events,
    interrupter: &'a Interrupter,
    /// Taken out and put back by each update, so that it is never copied.
    trainee: Option<Trainee>,
}

impl Run<'_> {
    fn trainee(&self) -> &Trainee {
        self.trainee.as_ref().expect(HELD)
    }

    fn epochs(
        &mut self,
        train: &dyn DataLoader<Batch>,
        valid: &dyn DataLoader<Batch>,
        epochs: RangeInclusive<usize>,
    ) -> Result<()> {
        self.announce(train, valid, &epochs)?;
        for epoch in epochs {
            let Pass { score: train_score, tokens, seconds } = self.train(train, epoch)?;
            let valid_score = self.validate(valid, epoch)?;
            finite(valid_score.nats_per_token(), "validation loss", epoch)?;
            self.send_train(LearnerEvent::EndEpoch(epoch))?;
            let report = EpochReport {
                epoch,
                train_loss_nats_per_token: train_score.nats_per_token(),
                valid_loss_nats_per_token: valid_score.nats_per_token(),
                valid_accuracy: valid_score.accuracy(),
                learning_rate: self
                    .course
                    .learning_rate((epoch * self.course.steps_per_epoch - 1) as u64),
                seconds,
                tokens_per_second: tokens as f64 / seconds,
            };
            let model = self.trainee().model.valid();
            self.course.progress.epochs.push(report);
            self.course.observer.epoch_ended(&report, &model).map_err(Error::Observer)?;
            self.checkpoint(model)?;
        }
        Ok(())
    }

    fn announce(
        &mut self,
        train: &dyn DataLoader<Batch>,
        valid: &dyn DataLoader<Batch>,
        epochs: &RangeInclusive<usize>,
    ) -> Result<()> {
        let trainee = self.trainee.as_ref().expect(HELD);
        let course = &mut *self.course;
        let Some(batch) = train.iter().next() else { return Ok(()) };
        let batch = batch.map_err(|error| Error::Burn(error.to_string()))?;
        let plan = Plan {
            first_epoch: *epochs.start(),
            epochs: *epochs.end(),
            method: course.config.method,
            train_items: train.num_items(),
            valid_items: valid.num_items(),
            steps_per_epoch: course.steps_per_epoch,
            parameters: trainee.num_params(),
            memory_bytes: memory_bytes(trainee, course, &batch),
        };
        // What does not fit into memory is told before it is tried.
        course.observer.planned(&plan).map_err(Error::Observer)?;
        let seconds = seconds_per_step(trainee, course, &batch) * course.steps_per_epoch as f64;
        course.observer.timed(seconds).map_err(Error::Observer)
    }

    /// One pass over the training text.
    fn train(&mut self, train: &dyn DataLoader<Batch>, epoch: usize) -> Result<Pass> {
        self.course.clock.set(epoch);
        self.send_train(LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: train.num_items(),
        })?;
        let mut pass = Pass::default();
        let mut state: Option<State> = None;
        let mut iterator = train.iter();
        let mut step = 0;
        loop {
            let start = Instant::now();
            let Some(batch) = iterator.next() else { break };
            let batch = batch.map_err(|error| Error::Burn(error.to_string()))?;
            pass.tokens += batch.tokens();
            let rate = ModuleLearningRate::from(self.course.learning_rate(batch.step));
            let before = self.trainee().before(&batch, state.take());
            let (output, after) = self.trainee().learn(batch, before);
            state = Some(after);
            let trainee = self.trainee.take().expect(HELD);
            let optimizer = &mut self.course.optimizer;
            self.trainee = Some(trainee.optimize(optimizer, rate.clone(), output.grads));
            pass.score.add(&output.item.0)?;
            // Time spent showing the model to an observer is not training.
            pass.seconds += start.elapsed().as_secs_f64();
            step += 1;
            finite(pass.score.nats, &format!("loss of step {step}"), epoch)?;
            let item = TrainingItem::new(output.item, iterator.progress(), Some(step), Some(rate));
            self.send_train(LearnerEvent::ProcessedItem(item))?;
            self.report((epoch, step), pass)?;
        }
        self.send_train(LearnerEvent::EndSplit(epoch))?;
        Ok(pass)
    }

    fn report(&mut self, (epoch, step): (usize, usize), pass: Pass) -> Result<()> {
        let course = &mut *self.course;
        let steps = course.steps_per_epoch;
        let report = StepReport {
            epoch,
            step,
            steps,
            loss_nats_per_token: pass.score.nats_per_token(),
            seconds: pass.seconds,
            tokens_per_second: pass.tokens as f64 / pass.seconds,
        };
        course.observer.stepped(&report).map_err(Error::Observer)?;
        let every = course.config.look_every;
        if every > 0 && (step as u64).is_multiple_of(every) && step < steps {
            let model = self.trainee.as_ref().expect(HELD).model.valid();
            course.observer.look(&report, &model).map_err(Error::Observer)?;
        }
        Ok(())
    }

    fn validate(&mut self, valid: &dyn DataLoader<Batch>, epoch: usize) -> Result<Score> {
        self.send_valid(LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: valid.num_items(),
        })?;
        let trainee = self.trainee().valid();
        let mut score = Score::default();
        let mut state: Option<State> = None;
        let mut iterator = valid.iter();
        let mut step = 0;
        while let Some(batch) = iterator.next() {
            let batch = batch.map_err(|error| Error::Burn(error.to_string()))?;
            let before = trainee.before(&batch, state.take());
            let (output, after) = trainee.judge(batch, before);
            state = Some(after);
            score.add(&output.0)?;
            step += 1;
            let item = TrainingItem::new(output, iterator.progress(), Some(step), None);
            self.send_valid(LearnerEvent::ProcessedItem(item))?;
        }
        self.send_valid(LearnerEvent::EndSplit(epoch))?;
        Ok(score)
    }

    fn checkpoint(&mut self, model: LanguageModel) -> Result<()> {
        let course = &mut *self.course;
        let Some(last) = course.progress.epochs.last() else { return Ok(()) };
        let loss = Some(last.valid_loss_nats_per_token);
        let (valid_loss_window, valid_loss_carried) = match course.config.method {
            Method::Windows => (loss, None),
            Method::EveryStep { .. } => (None, loss),
        };
        let about = About {
            epochs: last.epoch,
            valid_loss_window,
            valid_loss_carried,
            ..course.identity.about.clone()
        };
        let Identity { tokenizer, extra, .. } = course.identity.clone();
        let artifact = Artifact { model, tokenizer, about, extra };
        course.checkpoints.save(artifact, &course.optimizer, &course.progress)
    }

    fn send_train(&mut self, event: LearnerEvent<StepOutput>) -> Result<()> {
        let sent = self.events.process_train(event).map_err(|error| error.to_string());
        self.heard(sent)
    }

    fn send_valid(&mut self, event: LearnerEvent<StepOutput>) -> Result<()> {
        let sent = self.events.process_valid(event).map_err(|error| error.to_string());
        self.heard(sent)
    }

    /// Ends the run if Burn could not take an event, or if it was interrupted.
    fn heard(&self, sent: std::result::Result<(), String>) -> Result<()> {
        sent.map_err(Error::Burn)?;
        match self.interrupter.should_stop() {
            true => Err(Error::Burn(match self.interrupter.error() {
                Some(error) => error.to_string(),
                None => self.interrupter.get_message().unwrap_or_else(|| "interrupted".into()),
            })),
            false => Ok(()),
        }
    }
}

/// Refuses a loss that is no number any more.
fn finite(loss: f64, what: &str, epoch: usize) -> Result<()> {
    match loss.is_finite() {
        true => Ok(()),
        false => Err(Error::NotFinite { what: what.into(), epoch, loss }),
    }
}
