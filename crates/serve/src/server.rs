//! The server: it listens on an address, accepts connections with limits, and computes on the thread that runs it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use generate::Sampling;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{Semaphore, watch};

use crate::access::{Access, is_host_name};
use crate::app::{App, router};
use crate::engine::{Engine, EngineHandle};
use crate::error::{Error, Result};
use crate::long_work::AT_ONCE;
use crate::metrics::Metrics;
use crate::models::{Models, ServedModel, ServedQuestionModel};
use crate::questions::QuestionTurns;

/// The connections that may be open at once: more than running and waiting texts, so that clients of a busy server, and
/// those that send nothing, do not keep others from an answer.
const MAX_CONNECTIONS: usize = 512;
/// The longest headers, in bytes.
const MAX_HEADERS: usize = 64 << 10;
/// How long connections may take to end when the server is stopped.
const STOP_LIMIT: Duration = Duration::from_millis(500);

/// The options of a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on; with port 0 the system chooses a free port.
    pub address: SocketAddr,
    /// What requests must send as `Authorization: Bearer TOKEN`. An address that other machines reach needs one.
    pub token: Option<String>,
    /// The names under which the server may be asked for, beside `localhost` and addresses.
    pub hosts: Vec<String>,
    /// The sampling of requests that do not say otherwise.
    pub sampling: Sampling,
    /// The folder of the runs that can be watched.
    pub runs: Option<PathBuf>,
    /// How long a client may take to send the headers of its next request.
    pub header_limit: Duration,
    /// How long a client may take to send a body.
    pub body_limit: Duration,
}

impl Options {
    /// No token, names and runs, the model's own distribution, ten seconds for headers and thirty for bodies.
    pub fn new(address: SocketAddr) -> Self {
        let (token, hosts, runs) = (None, Vec::new(), None);
        let (header_limit, body_limit) = (Duration::from_secs(10), Duration::from_secs(30));
        Self { address, token, hosts, sampling: Sampling::default(), runs, header_limit, body_limit }
    }
}

/// A server that listens, before it runs.
pub struct Server {
    listener: TcpListener,
    options: Options,
    stop: watch::Sender<bool>,
}

/// Stops a server from another thread.
#[derive(Clone)]
pub struct StopHandle(watch::Sender<bool>);

impl StopHandle {
    /// Ends all texts and connections within a second, and then [`Server::run`].
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Server {
    /// Listens on an address.
    ///
    /// # Errors
    /// If the address is in use or is none of this machine, other machines reach it and there is no token, the token is empty
    /// or cannot be sent, or a name is no host name.
    pub fn bind(options: Options) -> Result<Self> {
        let address = options.address;
        match options.token.as_deref() {
            Some(token) if token.trim().is_empty() => return Err(Error::EmptyToken),
            Some(token) if !token.bytes().all(|byte| byte.is_ascii_graphic()) => return Err(Error::InvalidToken),
            None if !address.ip().is_loopback() => return Err(Error::NoToken { address }),
            _ => {}
        }
        if let Some(name) = options.hosts.iter().find(|name| !is_host_name(name)) {
            return Err(Error::InvalidHost { name: name.clone() });
        }
        let listener = TcpListener::bind(address).map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => Error::PortInUse { address },
            _ => Error::Listen { address, source },
        })?;
        listener.set_nonblocking(true).map_err(|source| Error::Listen { address, source })?;
        Ok(Self { listener, options, stop: watch::Sender::new(false) })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// If the system does not know it.
    pub fn address(&self) -> Result<SocketAddr> {
        let address = self.options.address;
        self.listener.local_addr().map_err(|source| Error::Listen { address, source })
    }

    /// What stops it.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.stop.clone())
    }

    /// Answers requests with these models, until it is stopped; of each kind the first one is the default. The language models
    /// compute on this thread, which is best one of Rayon's.
    ///
    /// # Errors
    /// If the system gives no thread, or the connections cannot be waited for.
    ///
    /// # Panics
    /// If there are no models of a kind.
    pub fn run(self, models: Vec<ServedModel>, question_models: Vec<ServedQuestionModel>) -> Result<()> {
        let Self { listener, options, stop } = self;
        let (models, metrics) = (Arc::new(Models::new(models, question_models)), Arc::new(Metrics::default()));
        let header_limit = options.header_limit;
        let (handle, engine) = Engine::new();
        let app = Arc::new(App {
            models: models.clone(),
            engine: handle.clone(),
            long_work: Arc::new(Semaphore::new(AT_ONCE)),
            metrics: metrics.clone(),
            sampling: options.sampling,
            runs: options.runs,
            access: Access { token: options.token, hosts: options.hosts },
            body_limit: options.body_limit,
            question_turns: QuestionTurns::new(),
            stop: stop.subscribe(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(Error::Runtime)?;
        let connections = std::thread::Builder::new().name("connections".into());
        let connections = connections.spawn(move || {
            let _stop = StopOnDrop(handle);
            let ended = runtime.block_on(accept(listener, app, stop.subscribe(), header_limit));
            // A text that is being traced must not hold up the end.
            runtime.shutdown_background();
            ended
        });
        let connections = connections.map_err(Error::Runtime)?;
        engine.run(&models, &metrics);
        connections.join().expect("the thread of the connections does not panic").map_err(Error::Runtime)
    }
}

/// Stops the engine when the connections end, for whatever reason.
struct StopOnDrop(EngineHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Accepts connections until the server is stopped.
async fn accept(
    listener: TcpListener,
    app: Arc<App>,
    mut stop: watch::Receiver<bool>,
    header_limit: Duration,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let (engine, stopped) = (app.engine.clone(), app.stop.clone());
    let router = router(app);
    let connections = async {
        loop {
            let slot = slots.clone().acquire_owned().await.expect("the semaphore stays open");
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                // Of one connection, such as one that was given up, or because too many files are open.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            };
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(router.clone());
            let mut stopped = stopped.clone();
            tokio::spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(header_limit)
                    .max_buf_size(MAX_HEADERS)
                    .serve_connection(TokioIo::new(stream), service);
                let mut connection = std::pin::pin!(connection);
                let mut stopped = std::pin::pin!(async { stopped.wait_for(|&stop| stop).await.is_ok() });
                // A client that goes away is no error. After a stop the connection ends with the answer that it sends.
                let ended = select(connection.as_mut(), stopped.as_mut()).await;
                if matches!(ended, Either::Right(_)) {
                    drop(ended);
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
                drop(slot);
            });
        }
    };
    let stopped = stop.wait_for(|&stop| stop);
    select(std::pin::pin!(connections), std::pin::pin!(stopped)).await;
    engine.stop();
    // The texts have ended, so their connections soon have nothing more to send.
    let all = slots.acquire_many(MAX_CONNECTIONS as u32);
    let _ = tokio::time::timeout(STOP_LIMIT, all).await;
    Ok(())
}
