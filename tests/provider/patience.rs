//! Servers that are not there, say nothing, or do not end.

use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use defi_qa::provider::{ChatClient, Timeouts};

use crate::support::fake_provider::{FakeProvider, Reply, token};
use crate::{Told, endpoint, once, told};

/// Short enough not to be felt, long enough for loopback under load.
const SHORT: Duration = Duration::from_millis(150);

async fn told_within(base_url: &str, timeouts: Timeouts) -> Told {
    told(&ChatClient::new(endpoint(base_url).with_timeouts(timeouts).with_retry(once())).unwrap()).await
}

#[tokio::test]
async fn silence_ends_in_the_idle_timeout_and_keeps_the_text() {
    let idle = Timeouts {
        idle: SHORT,
        ..Timeouts::default()
    };
    let sentence = "heard nothing for 150 ms: the model may be loading or overloaded, ask again or \
                    raise the idle timeout";
    for (name, reply, text) in [
        ("before the status", Reply::silent(), ""),
        ("before the first chunk", Reply::stream::<&str>([]).hang(), ""),
        ("after text", Reply::stream([token("half an")]).hang(), "half an"),
        (
            "in the middle of a chunk",
            Reply::stream([token("half an"), "data: {".to_owned()]).hang(),
            "half an",
        ),
    ] {
        let server = FakeProvider::start([reply]);
        let told = told_within(&server.base_url(), idle).await;
        assert_eq!(
            (told.text.as_str(), told.end.as_str(), told.retryable),
            (text, sentence, true),
            "{name}"
        );
        server.disconnected(1).await;
    }
}

#[tokio::test]
async fn a_refusal_whose_body_does_not_come_keeps_its_status() {
    let server = FakeProvider::start([Reply::raw(500, "text/plain", [""]).hang()]);
    let told = told_within(
        &server.base_url(),
        Timeouts {
            idle: SHORT,
            ..Timeouts::default()
        },
    )
    .await;
    assert_eq!(told.end, "failed on the server's side (500): try again later");
}

#[tokio::test]
async fn the_total_timeout_ends_an_answer_that_never_does() {
    let server = FakeProvider::start([Reply::stream([token("x")]).hang()]);
    let told = told_within(
        &server.base_url(),
        Timeouts {
            total: SHORT,
            ..Timeouts::default()
        },
    )
    .await;
    assert_eq!(
        (told.text.as_str(), told.end.as_str()),
        (
            "x",
            "was not done within 150 ms: ask for a shorter answer or raise the total timeout"
        )
    );
    server.disconnected(1).await;
}

#[tokio::test]
async fn a_connection_that_is_never_made_ends_in_the_connect_timeout() {
    // It takes the connection and never answers the TLS greeting.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("https://{}/v1", mute.local_addr().unwrap());
    let told = told_within(
        &base_url,
        Timeouts {
            connect: SHORT,
            ..Timeouts::default()
        },
    )
    .await;
    assert_eq!(
        told.end,
        "got no connection within 150 ms: check `base_url`, the network, and that the server runs"
    );
    assert!(told.retryable);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = told_within(&format!("http://{free}/v1"), Timeouts::default()).await;
    assert_eq!(
        told.end,
        "did not get through (connection refused): check `base_url`, and that the server runs"
    );
    assert!(told.retryable);
}

#[tokio::test]
async fn a_server_that_hangs_up_before_its_response_is_unreachable() {
    let rude = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", rude.local_addr().unwrap());
    let listening = std::thread::spawn(move || {
        let (mut socket, _) = rude.accept().unwrap();
        // Read first: closing a socket with unread bytes would reset it.
        let _ = socket.read(&mut [0; 16 << 10]).unwrap();
    });
    let told = told_within(&base_url, Timeouts::default()).await;
    listening.join().unwrap();
    assert_eq!(
        told.end,
        "did not get through (connection closed before message completed): check `base_url`, and \
         that the server runs"
    );
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_apart() {
    let server = FakeProvider::start([Reply::answer(&["x"])]);
    let base_url = server.base_url().replace("http:", "https:");
    let told = told_within(&base_url, Timeouts::default()).await;
    assert_eq!(
        told.end,
        "failed at the TLS handshake (received corrupt message of type InvalidContentType): check \
         the certificate, or try http:// in `base_url`"
    );
    assert!(!told.retryable);
}
