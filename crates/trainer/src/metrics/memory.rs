//! Memory of the process, as a metric.

use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::tensor::TensorReadError;
use burn::train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry, SerializedEntry,
};

/// Measured at most this often: reading it takes much longer than other metrics.
const INTERVAL: Duration = Duration::from_millis(200);

/// Resident memory of this process in MB (10⁶ bytes). The `metrics` feature of Burn measures the memory of the whole
/// machine instead.
#[derive(Clone)]
pub(crate) struct Memory {
    name: MetricName,
    megabytes: f64,
    measured: Instant,
}

impl Memory {
    /// The metric with a first measurement; `None` on systems without `/proc/self/status`.
    pub fn measure() -> Option<Self> {
        let megabytes = resident_megabytes()?;
        Some(Self { name: Arc::new("Memory".into()), megabytes, measured: Instant::now() })
    }

    fn refresh(&mut self) {
        self.megabytes = resident_megabytes().unwrap_or(self.megabytes);
        self.measured = Instant::now();
    }

    fn serialized(&self, entry: &NumericEntry) -> SerializedEntry {
        SerializedEntry::new(format!("{:.0} MB", self.megabytes), entry.serialize())
    }
}

impl Metric for Memory {
    type Input = ();

    fn name(&self) -> MetricName {
        self.name.clone()
    }

    fn description(&self) -> Option<String> {
        Some("resident memory of the process".into())
    }

    fn attributes(&self) -> MetricAttributes {
        NumericAttributes { unit: Some("MB".into()), higher_is_better: false }.into()
    }

    fn update(&mut self, (): &(), _: &MetricMetadata) -> Result<SerializedEntry, TensorReadError> {
        if self.measured.elapsed() >= INTERVAL {
            self.refresh();
        }
        Ok(self.serialized(&NumericEntry::Value(self.megabytes)))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        self.refresh();
        Ok(self.serialized(&self.final_value()))
    }

    fn clear(&mut self) {}
}

impl Numeric for Memory {
    fn value(&self) -> Option<NumericEntry> {
        Some(NumericEntry::Value(self.megabytes))
    }

    fn running_value(&self) -> Option<NumericEntry> {
        self.value()
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.megabytes)
    }
}

/// Resident memory of this process; `None` where Linux's `/proc` does not exist.
fn resident_megabytes() -> Option<f64> {
    from_status(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn from_status(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_the_status() {
        let status = "Name:\tpastiche\nVmHWM:\t  100000 kB\nVmRSS:\t   31250 kB\n";
        assert_eq!(from_status(status), Some(32.0));
        assert_eq!(from_status("Name:\tpastiche\n"), None);
    }
}
