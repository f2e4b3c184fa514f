//! The loop: step after step, epoch after epoch, kept and judged, and back to the last checkpoint when
//! the loss explodes. A run can be kept after any step and gone on with as if it had never stopped.

use std::time::Instant;

use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::tensor::Device;
use burn::train::{LearnerEvent, TrainStep, TrainingItem};
use models::{AboutNetwork, Score, State, Trained};
use seqdata::EpochClock;

use crate::averaging::averaged;
use crate::checkpoint::Checkpoints;
use crate::error::{Error, Result};
use crate::estimate::{memory_bytes, seconds_per_step};
use crate::observer::{EpochReport, Observer, Phase, Plan, Retreat, StepReport};
use crate::progress::{Marks, Progress};
use crate::standing::{HELD, Standing};
use crate::stop::Stop;
use crate::strategy::Burn;
use crate::task::{BatchOf, StepOutput, Task, Trainee};
use crate::train::Identity;

/// How often a run halves its learning rate before it gives up.
const HALVINGS: u32 = 3;
/// A step whose loss is this many times that of guessing blindly, ln V, has exploded: a network that
/// is only wrong is never that sure of it.
const EXPLOSION: f64 = 10.0;

/// Why a run ended without an error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ended {
    /// All epochs are trained.
    Finished,
    /// The validation loss did not fall any more.
    LostPatience,
    /// Somebody asked for it; the run can be gone on with.
    Stopped {
        /// The validation loss of the weights at that step, in nats a token.
        valid_loss_nats_per_token: f64,
    },
}

/// A run, fresh or to be gone on with.
pub(crate) struct Run<M: Task> {
    pub identity: Identity<M>,
    pub standing: Standing<M>,
    pub progress: Progress,
    /// The step of the newest checkpoint, and when it was written.
    pub last_saved: Option<u64>,
    pub saved_at: Instant,
    pub checkpoints: Checkpoints,
    pub clock: EpochClock,
    /// Without autodiff.
    pub device: Device,
    pub stop: Stop,
    pub observer: Box<dyn Observer<M>>,
}

impl<M: Task> Run<M> {
    /// Epoch after epoch until the last, or until there is a reason to end.
    pub fn all(
        &mut self,
        burn: &mut Burn<M>,
        train: &dyn DataLoader<BatchOf<M>>,
        valid: &dyn DataLoader<BatchOf<M>>,
    ) -> Result<Ended> {
        self.announce(train, valid)?;
        let mut marks = Marks::new();
        self.observer.saving(&mut marks).map_err(Error::Observer)?;
        if marks != self.progress.marks {
            // A file that was lost begins anew, and this step's checkpoint must not ask for more of it.
            self.last_saved = None;
        }
        // Whatever happens to the first steps, there is something to go back to.
        self.save()?;
        loop {
            match self.epoch(burn, train, valid) {
                Err(Error::Diverged { what, shown_by }) => self.retreat(what, shown_by)?,
                Ok(None) if self.progress.is_finished() => return Ok(Ended::Finished),
                Ok(None) if self.progress.has_lost_patience() => return Ok(Ended::LostPatience),
                Ok(None) => {}
                Ok(Some(ended)) => return Ok(ended),
                Err(error) => return Err(error),
            }
        }
    }

    /// The rest of the epoch under way, its validation and its checkpoint; or less, if the run is
    /// asked to stop.
    fn epoch(
        &mut self,
        burn: &mut Burn<M>,
        train: &dyn DataLoader<BatchOf<M>>,
        valid: &dyn DataLoader<BatchOf<M>>,
    ) -> Result<Option<Ended>> {
        let epoch = self.progress.epoch();
        self.train(burn, train, epoch)?;
        if self.progress.steps_in_epoch() < self.progress.steps_per_epoch {
            self.save()?;
            let loss = self.validate(burn, valid, epoch)?.nats_per_token();
            return Ok(Some(Ended::Stopped { valid_loss_nats_per_token: loss }));
        }
        let score = self.validate(burn, valid, epoch)?;
        let loss = score.nats_per_token();
        let next = self.progress.steps + 1;
        self.sane(loss, next, || format!("the validation loss of epoch {epoch}"))?;
        burn.train(LearnerEvent::EndEpoch(epoch))?;
        let pass = std::mem::take(&mut self.progress.pass);
        let report = EpochReport {
            epoch,
            step: self.progress.steps,
            train_loss_nats_per_token: pass.nats_per_token(),
            valid_loss_nats_per_token: loss,
            valid_accuracy: score.accuracy(),
            learning_rate: self.progress.learning_rate(self.progress.steps - 1),
            seconds: pass.seconds,
            tokens_per_second: pass.tokens_per_second(),
        };
        self.progress.epochs.push(report);
        self.standing.carried = None;
        let model = self.standing.judged();
        self.observer.epoch_ended(&report, &model).map_err(Error::Observer)?;
        self.save()?;
        let goes_on = !self.progress.is_finished() && !self.progress.has_lost_patience();
        let stopped = Ended::Stopped { valid_loss_nats_per_token: loss };
        Ok((goes_on && self.stop.is_asked()).then_some(stopped))
    }

    fn announce(
        &mut self,
        train: &dyn DataLoader<BatchOf<M>>,
        valid: &dyn DataLoader<BatchOf<M>>,
    ) -> Result<()> {
        let Some(batch) = train.iter().next() else { return Ok(()) };
        let batch = batch.map_err(|error| Error::Burn(error.to_string()))?;
        let trainee = self.standing.trainee();
        let Progress { config, steps_per_epoch, steps, epochs, marks, .. } = &self.progress;
        let plan = Plan {
            first_epoch: self.progress.epoch(),
            epochs: config.epochs,
            steps_done: *steps,
            reports: epochs.clone(),
            marks: marks.clone(),
            method: config.method,
            train_items: train.num_items(),
            valid_items: valid.num_items(),
            steps_per_epoch: *steps_per_epoch as usize,
            parameters: trainee.num_params(),
            memory_bytes: memory_bytes(trainee, &self.identity.about.model, &batch),
        };
        self.observer.planned(&plan).map_err(Error::Observer)?;
        if *steps > 0 {
            // Whoever resumes has seen the time, and wants to go on.
            return Ok(());
        }
        let step =
            seconds_per_step(trainee, &self.standing.optimizer, config.learning_rate, &batch);
        let seconds = *steps_per_epoch as f64 * step;
        self.observer.timed(seconds).map_err(Error::Observer)
    }

    /// Steps until the epoch ends or the run is asked to stop.
    fn train(
        &mut self,
        burn: &mut Burn<M>,
        train: &dyn DataLoader<BatchOf<M>>,
        epoch: usize,
    ) -> Result<()> {
        self.observer.phase(Phase::Training).map_err(Error::Observer)?;
        self.clock.set(epoch, self.progress.steps_in_epoch() as usize);
        burn.train(LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: train.num_items(),
        })?;
        let mut iterator = train.iter();
        while !(self.stop.is_asked() && self.progress.steps_in_epoch() > 0) {
            let start = Instant::now();
            let Some(batch) = iterator.next() else { break };
            let batch = batch.map_err(|error| Error::Burn(error.to_string()))?;
            let factor = self.progress.learning_rate(M::number(&batch));
            let rate = ModuleLearningRate::from(factor);
            let tokens = M::tokens(&batch);
            let output = self.step(batch, rate.clone())?;
            let mut score = Score::default();
            score.add(&output.0)?;
            let Progress { pass, steps, .. } = &mut self.progress;
            *steps += 1;
            pass.tokens += tokens;
            pass.add(&score);
            // Time spent showing the model to an observer is not training.
            pass.seconds += start.elapsed().as_secs_f64();
            let step = self.progress.steps_in_epoch() as usize;
            let loss = score.nats_per_token();
            let step_of_run = self.progress.steps;
            self.sane(loss, step_of_run, || format!("the loss of step {step_of_run}"))?;
            let item = TrainingItem::new(output, iterator.progress(), Some(step), Some(rate));
            burn.train(LearnerEvent::ProcessedItem(item))?;
            self.report((epoch, step), loss, factor)?;
            if self.is_time_to_save() {
                self.save()?;
            }
        }
        burn.train(LearnerEvent::EndSplit(epoch))
    }

    /// One update.
    fn step(&mut self, batch: BatchOf<M>, rate: ModuleLearningRate) -> Result<StepOutput> {
        let carried = self.standing.carried.take();
        let (output, after) = self.standing.trainee().learn(batch, carried);
        self.standing.carried = after;
        let middle = durable::failpoint::reach("step", "middle".as_ref());
        middle.map_err(|error| Error::Burn(error.to_string()))?;
        let trainee = self.standing.trainee.take().expect(HELD);
        let trainee = trainee.optimize(&mut self.standing.optimizer, rate, output.grads);
        if let Some(average) = self.standing.average.take() {
            let decay = self.progress.config.averaging;
            let step = self.progress.steps + 1;
            self.standing.average = Some(averaged(average, &trainee.model, decay, step));
        }
        self.standing.trainee = Some(trainee);
        Ok(output.item)
    }

    /// Refuses a loss that has exploded: that of the weights before step `shown_by`, as `name` calls it.
    fn sane(&self, loss: f64, shown_by: u64, name: impl Fn() -> String) -> Result<()> {
        let blind = (M::vocabulary_of(&self.identity.about.model) as f64).ln();
        let what = match loss.is_finite() {
            true if loss <= EXPLOSION * blind => return Ok(()),
            true => format!(
                "{} is {loss:.1} nats a token, where guessing blindly costs {blind:.1}",
                name()
            ),
            false => format!("{} is {loss}, no finite number", name()),
        };
        Err(Error::Diverged { what, shown_by })
    }

    fn report(&mut self, (epoch, step): (usize, usize), loss: f64, rate: f64) -> Result<()> {
        let Progress { pass, steps_per_epoch, steps, config, .. } = &self.progress;
        let report = StepReport {
            epoch,
            step,
            steps: *steps_per_epoch as usize,
            step_of_run: *steps,
            step_loss_nats_per_token: loss,
            loss_nats_per_token: pass.nats_per_token(),
            learning_rate: rate,
            seconds: pass.seconds,
            tokens_per_second: pass.tokens_per_second(),
        };
        self.observer.stepped(&report).map_err(Error::Observer)?;
        let every = config.look_every;
        if every > 0 && (step as u64).is_multiple_of(every) && (step as u64) < *steps_per_epoch {
            let model = self.standing.judged();
            self.observer.look(&report, &model).map_err(Error::Observer)?;
        }
        Ok(())
    }

    fn validate(
        &mut self,
        burn: &mut Burn<M>,
        valid: &dyn DataLoader<BatchOf<M>>,
        epoch: usize,
    ) -> Result<Score> {
        self.observer.phase(Phase::Validating).map_err(Error::Observer)?;
        burn.valid(LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: valid.num_items(),
        })?;
        let trainee = Trainee { model: self.standing.judged(), ..self.standing.trainee().clone() };
        let mut score = Score::default();
        let mut state: Option<State> = None;
        let mut iterator = valid.iter();
        let mut step = 0;
        while let Some(batch) = iterator.next() {
            let batch = batch.map_err(|error| Error::Burn(error.to_string()))?;
            let (output, after) = trainee.judge(batch, state.take());
            state = after;
            score.add(&output.0)?;
            step += 1;
            let item = TrainingItem::new(output, iterator.progress(), Some(step), None);
            burn.valid(LearnerEvent::ProcessedItem(item))?;
        }
        burn.valid(LearnerEvent::EndSplit(epoch))?;
        Ok(score)
    }

    /// Whether a checkpoint is due. The last step of an epoch has one anyway, once it is judged.
    fn is_time_to_save(&self) -> bool {
        let Progress { config, steps, steps_per_epoch, .. } = &self.progress;
        let keeping = config.keeping;
        let by_steps = keeping.every_steps > 0 && steps.is_multiple_of(keeping.every_steps);
        let minutes = self.saved_at.elapsed().as_secs_f64() / 60.0;
        let by_time = keeping.every_minutes > 0.0 && minutes >= keeping.every_minutes;
        (by_steps || by_time) && self.progress.steps_in_epoch() < *steps_per_epoch
    }

    /// Keeps the run as it stands, unless that is done.
    fn save(&mut self) -> Result<()> {
        if self.last_saved == Some(self.progress.steps) {
            return Ok(());
        }
        self.observer.phase(Phase::Saving).map_err(Error::Observer)?;
        self.observer.saving(&mut self.progress.marks).map_err(Error::Observer)?;
        let Identity { tokenizer, extra, .. } = self.identity.clone();
        let artifact =
            Trained { model: self.standing.judged(), tokenizer, about: self.about(), extra };
        let trained = self.standing.average.as_ref().map(|_| self.standing.trainee().model.valid());
        let carried = self.standing.carried.as_ref().filter(|_| self.carries_on());
        self.checkpoints.save(
            artifact,
            trained.as_ref(),
            &self.standing.optimizer,
            carried,
            &self.progress,
        )?;
        self.last_saved = Some(self.progress.steps);
        self.saved_at = Instant::now();
        self.observer.saved(self.progress.steps).map_err(Error::Observer)?;
        self.observer.phase(Phase::Training).map_err(Error::Observer)
    }

    /// Whether the next batch reads on from the last one.
    fn carries_on(&self) -> bool {
        self.progress.config.method.carries() && self.progress.steps_in_epoch() > 0
    }

    /// What the model says of itself at this step.
    fn about(&self) -> AboutNetwork<M::Config> {
        let Progress { steps, epochs, config, .. } = &self.progress;
        let mut about = AboutNetwork {
            epochs: epochs.len(),
            steps: *steps,
            valid_loss_window: None,
            valid_loss_carried: None,
            ..self.identity.about.clone()
        };
        if let Some(last) = epochs.last().filter(|last| last.step == *steps) {
            config.method.note_valid_loss(&mut about, last.valid_loss_nats_per_token);
        }
        about
    }

    /// Goes back to the last good milestone, with half the learning rate.
    fn retreat(&mut self, what: String, shown_by: u64) -> Result<()> {
        let halvings = self.progress.halvings + 1;
        if halvings > HALVINGS {
            return Err(Error::Hopeless { what, halvings: HALVINGS });
        }
        let Some(kept) = self.checkpoints.last_good(shown_by, &self.device)? else {
            return Err(Error::NoWayBack { what });
        };
        // What was kept since leads to where it exploded.
        self.checkpoints.drop_after(kept.progress.steps)?;
        let config = self.progress.config.clone();
        self.progress = Progress { config, halvings, ..kept.progress.clone() };
        self.standing = Standing::of(kept, &self.progress.config);
        self.last_saved = Some(self.progress.steps);
        self.saved_at = Instant::now();
        let retreat = Retreat {
            reason: what,
            step: self.progress.steps,
            learning_rate: self.progress.learning_rate(self.progress.steps),
            halvings,
            reports: self.progress.epochs.clone(),
            marks: self.progress.marks.clone(),
        };
        self.observer.retreated(&retreat).map_err(Error::Observer)
    }
}
