//! A real Redis server on loopback that comes and goes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test's helper fails by panicking"
)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that a test waits for a server.
const DEADLINE: Duration = Duration::from_secs(20);

/// A server on a port of its own, ended with the test.
#[derive(Debug)]
pub struct Server {
    process: Child,
    pub port: u16,
}

impl Server {
    /// `None` where no redis-server is installed; the CI script installs it.
    pub async fn start(folder: &Path, port: Option<u16>) -> Option<Self> {
        let port = port.unwrap_or_else(free_port);
        let spawned = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .arg("--dir")
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = match spawned {
            Ok(process) => process,
            Err(error) if std::env::var_os("CI").is_none() => {
                eprintln!("redis-server is not installed ({error}): nothing was proved");
                return None;
            }
            Err(error) => panic!("redis-server is not installed: {error}"),
        };
        let server = Self { process, port };
        server.answers().await;
        Some(server)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Waits for the first PONG.
    async fn answers(&self) {
        let client = redis::Client::open(self.url()).unwrap();
        let begun = Instant::now();
        let mut every = tokio::time::interval(Duration::from_millis(10));
        loop {
            every.tick().await;
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await
                && redis::cmd("PING")
                    .query_async::<()>(&mut connection)
                    .await
                    .is_ok()
            {
                return;
            }
            assert!(begun.elapsed() < DEADLINE, "the server does not answer");
        }
    }

    pub async fn ask<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let (name, arguments) = command.split_first().unwrap();
        redis::cmd(name)
            .arg(arguments)
            .query_async(&mut connection)
            .await
            .unwrap()
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
