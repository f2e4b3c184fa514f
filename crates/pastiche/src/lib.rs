//! Train small recurrent language models on any text, and generate text with them.
#![doc = ""]
#![doc = include_str!("manual.md")]

mod closures;
pub mod device;
mod error;
pub mod nn;
pub mod threads;
mod trainer_builder;
mod training_data;

pub use burn;
pub use burn::tensor::Device;
pub use {eval, generate, kernels, models, qa, seqdata, text_prep, trainer};

pub use device::DeviceError;
pub use error::{Error, Result};
pub use trainer_builder::Trainer;
pub use training_data::{ConfigOf, TrainingData};

pub use generate::{
    CacheSettings, Draft, Evaluation, EvaluationMode, EvaluationPlan, Generator, LabelChoice, LabelEvaluation, LeftOut,
    Mixture, MixtureEvaluation, NextToken, NgramOrder, Prompt, Sample, SampleStream, Samples, Sampling, Session,
    TokenLogProb, TokenSpan, UniqueDocuments,
};
pub use kernels::{KernelMode, default_device};
pub use models::{AdaptiveSoftmax, InitScheme, LanguageModelConfig, LayerConfig, LmBundle, ModelBundle, StateMode};
pub use qa::{
    AskProgress, AskReport, GeneratedQuestion, QaDataset, QaDatasetConfig, QaPipeline, QgOptions, QuestionModel,
    QuestionModelConfig,
};
pub use seqdata::{
    DatasetConfig, DatasetInput, Documents, NewTokens, Part, TextDataset, TextDatasetBuilder, VocabSource,
};
pub use text_prep::{
    CharacterOptions, Cleaner, ControlCharacters, Document, DocumentSource, DocumentUnit, LabelSource, OovPolicy,
    Segmentation, SourceOptions, TextFiles, Tokenizer, WordOptions,
};
pub use trainer::{
    AdamConfig, CheckpointPolicy, Clip, DynamicEvaluation, DynamicRates, EpochReport, Observer, ObserverResult,
    OptimizerConfig, Outcome, Plan, Progress, RmspropConfig, Schedule, SgdConfig, StepReport, StopFlag, StopReason,
    TrainConfig, TrainMode, TrainPrecision,
};
