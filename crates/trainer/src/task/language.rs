//! Language modelling: next-token prediction on windows or on streams of one text or of documents.

use burn::tensor::Device;
use models::{
    DropoutKey, LanguageModel, LanguageModelConfig, LmBundle, LossOutput, State, TokenInput, TrainLoss, evaluate_while,
};
use seqdata::{Batch, LmItems, Loader, Order, TextDataset};

use super::train_task::TrainTask;
use crate::config::{TrainConfig, TrainMode};
use crate::error::Result;

impl TrainTask for LanguageModel {
    type Data = TextDataset;
    type Items = LmItems;

    fn loaders(data: &TextDataset, config: &TrainConfig, device: &Device) -> Result<[Loader; 2]> {
        let autodiff = device.clone().autodiff();
        Ok(match config.mode {
            TrainMode::Tbptt { bptt_len } => {
                let streams = data.train_streams(config.batch_size, bptt_len)?.for_training(config.seed);
                let streams = streams.varying_lengths(config.seed, config.bptt_deviation);
                [
                    Loader::streams(streams, autodiff),
                    Loader::streams(data.valid_streams(config.valid_streams)?, device.clone()),
                ]
            }
            TrainMode::Windows | TrainMode::Examples => {
                data.check_windows()?;
                let windows = |windows, order, device| Loader::windows(windows, config.batch_size, order, device);
                [
                    windows(data.train_windows().for_training(config.seed), Order::Shuffled(config.seed), autodiff),
                    windows(data.valid_windows(), Order::Sequential, device.clone()),
                ]
            }
        })
    }

    fn train_sha256(data: &TextDataset) -> String {
        data.train_sha256()
    }

    fn trainable(self) -> Self {
        LanguageModel::trainable(self)
    }

    fn device(&self) -> Device {
        self.output.bias.val().device()
    }

    /// The embeddings are the lowest layer, below the recurrent ones. An embedding that is also the output layer's weights
    /// counts as output layer, as in the language model of ULMFiT: new tokens must be learned from the first step on.
    fn depth(&self, path: &str) -> usize {
        let layers = self.stack.layers.len();
        let mut names = path.split('.');
        match (names.next(), names.nth(1).and_then(|index| index.parse::<usize>().ok())) {
            (Some("output"), _) => 0,
            (Some("stack"), Some(index)) => layers.saturating_sub(index),
            (Some("embedding"), _) if self.output.kernel.is_none() => 0,
            _ => layers + 1,
        }
    }

    fn init_state(&self, rows: usize) -> Option<State> {
        Some(LanguageModel::init_state(self, rows))
    }

    fn train_step(&self, batch: Batch, rnn_state: Option<State>, dropout: DropoutKey) -> (TrainLoss, Option<State>) {
        let state = self.state_before(&batch, rnn_state);
        let input = TokenInput { ids: batch.inputs, labels: batch.labels };
        let (loss, state) = LanguageModel::forward_train(self, input, batch.targets, state, dropout);
        (loss, Some(state))
    }

    fn valid_step(&self, batch: Batch, rnn_state: Option<State>) -> (LossOutput, Option<State>) {
        let state = self.state_before(&batch, rnn_state);
        let input = TokenInput { ids: batch.inputs, labels: batch.labels };
        let (output, state) = LanguageModel::forward_eval(self, input, batch.targets, state);
        (output, Some(state))
    }

    fn num_tokens(batch: &Batch) -> usize {
        batch.tokens()
    }

    fn step_index(batch: &Batch) -> u64 {
        batch.step
    }

    /// Chunks of varying lengths have a learning rate in proportion to their length (Merity, Keskar and Socher 2018).
    fn rate_factor(batch: &Batch, config: &TrainConfig) -> f64 {
        match config.mode {
            TrainMode::Tbptt { bptt_len } if config.bptt_deviation > 0.0 => {
                batch.inputs.dims()[1] as f64 / bptt_len as f64
            }
            _ => 1.0,
        }
    }

    /// The embedded inputs, the activations that each cell saves, and six values per logit, without those of clusters, which
    /// few targets need.
    fn saved_activations(config: &LanguageModelConfig, batch: &Batch) -> usize {
        let cells = config.layers.iter().map(|layer| layer.kind().spec().activations_per_unit * layer.units);
        let targets: usize = batch.targets.dims().iter().product();
        batch.tokens() * (config.embedding_dim + cells.sum::<usize>()) + 6 * targets * config.num_classes()
    }

    /// Adds the loss with carried state if the run was trained on windows.
    fn add_final_metrics(
        best: &mut LmBundle,
        data: &TextDataset,
        config: &TrainConfig,
        device: &Device,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<()> {
        if best.metadata.valid_loss_carried.is_none() {
            let streams = Loader::streams(data.valid_streams(config.valid_streams)?, device.clone());
            let metrics = evaluate_while(&best.model, &streams, keep_going)?;
            best.metadata.valid_loss_carried = metrics.map(|metrics| metrics.nats_per_token());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Int, Tensor};

    use super::*;

    #[test]
    fn the_learning_rate_follows_the_length_of_a_chunk_if_it_varies() {
        let ids = Tensor::<2, Int>::from_ints([[1, 2, 3], [3, 2, 1]], &Device::flex());
        let batch = Batch { inputs: ids.clone(), targets: ids, labels: None, continues: false, step: 0 };
        let config = TrainConfig::default().mode(TrainMode::Tbptt { bptt_len: 6 });
        assert_eq!(LanguageModel::rate_factor(&batch, &config), 1.0);
        assert_eq!(LanguageModel::rate_factor(&batch, &config.bptt_deviation(2.0)), 0.5);
    }
}
