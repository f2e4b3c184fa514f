//! Language: what comes next, learned from windows or from streams of one text.

use burn::tensor::{Device, Tensor};
use models::{Artifact, DropoutKey, Judged, LanguageModel, LanguageModelConfig, State, score};
use seqdata::{Batch, Cut, Loader, Order, Prepared};

use super::Task;
use crate::config::{Method, TrainConfig};
use crate::error::Result;

impl Task for LanguageModel {
    type Data = Prepared;
    type Items = Cut;

    fn loaders(data: &Prepared, config: &TrainConfig, plain: &Device) -> Result<[Loader; 2]> {
        let autodiff = plain.clone().autodiff();
        Ok(match config.method {
            Method::EveryStep { length } => [
                Loader::streams(data.train_streams(config.batch_size, length)?, autodiff),
                Loader::streams(data.valid_stream(), plain.clone()),
            ],
            Method::Windows | Method::Examples => {
                let windows = |windows, order, device| {
                    Loader::windows(windows, config.batch_size, order, device)
                };
                [
                    windows(data.train_windows(), Order::Shuffled(config.seed), autodiff),
                    windows(data.valid_windows(), Order::Sequential, plain.clone()),
                ]
            }
        })
    }

    fn train_sha256(data: &Prepared) -> String {
        data.train_sha256()
    }

    fn trainable(self) -> Self {
        LanguageModel::trainable(self)
    }

    fn place(&self) -> Device {
        self.output.bias.val().device()
    }

    fn learn(
        &self,
        batch: Batch,
        carried: Option<State>,
        dropout: DropoutKey,
    ) -> (Tensor<1>, Option<State>) {
        let before = before(self, &batch, carried);
        let (nats, after) =
            LanguageModel::learn(self, batch.inputs, batch.targets, before, Some(dropout));
        (nats, Some(after))
    }

    fn judge(&self, batch: Batch, carried: Option<State>) -> (Judged, Option<State>) {
        let before = before(self, &batch, carried);
        let (judged, after) = LanguageModel::judge(self, batch.inputs, batch.targets, before);
        (judged, Some(after))
    }

    fn tokens(batch: &Batch) -> usize {
        batch.tokens()
    }

    fn number(batch: &Batch) -> u64 {
        batch.step
    }

    /// The embedded inputs, what each cell says it keeps, and six rows of logits a target.
    fn kept(config: &LanguageModelConfig, batch: &Batch) -> usize {
        let cells = config.layers.iter().map(|layer| layer.kind().kept_per_unit() * layer.units);
        let judged: usize = batch.targets.dims().iter().product();
        batch.tokens() * (config.embedding + cells.sum::<usize>()) + 6 * judged * config.vocabulary
    }

    /// The loss with the state carried, where the run was trained by windows.
    fn complete(best: &mut Artifact, data: &Prepared, device: &Device) -> Result<()> {
        if best.about.valid_loss_carried.is_none() {
            let stream = Loader::streams(data.valid_stream(), device.clone());
            best.about.valid_loss_carried = Some(score(&best.model, &stream)?.nats_per_token());
        }
        Ok(())
    }
}

/// The state that `batch` is read from: that of the batch before, if it goes on from there.
fn before(model: &LanguageModel, batch: &Batch, carried: Option<State>) -> State {
    carried.filter(|_| batch.goes_on).unwrap_or_else(|| model.start(batch.rows()))
}
