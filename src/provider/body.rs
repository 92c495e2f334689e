//! A guard on the body of a streamed answer, between the socket and async-openai's event parser.
//!
//! The parser is trusting: a byte order mark makes it panic in a task of its own, bytes that are no UTF-8 stall it
//! until the end, a long line is parsed again from its start with every read, a body that is no event stream counts
//! as an empty one, and nothing bounds what it takes in. So it is handed whole lines only, of known sizes, and every
//! failure of the body is noted here with its cause, which the parser would turn into a string.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, Stream, StreamExt};
use serde::de::IgnoredAny;

use super::client::Tap;
use super::error::{ProviderError, TimeoutKind};
use super::peer::Peer;

/// No line of a chat answer comes near: the longest seen hold a whole answer, at most some hundred kilobytes.
const MAX_LINE: usize = 8 << 20;

/// The parser's queue has no bound, so the answer has one: about 300,000 tokens at 200 bytes for each chunk.
const MAX_BODY: usize = 64 << 20;

/// How long the end of a body may take after `[DONE]`. Read to its end, the connection serves the next request.
const TAIL: Duration = Duration::from_millis(250);

/// Line by line what `source` brings. When it fails, the cause is left at `tap` before the error is handed on.
pub(super) fn guarded<S, B, E>(
    source: S,
    idle: Duration,
    peer: Arc<Peer>,
    tap: Tap,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send
where
    S: Stream<Item = Result<B, E>> + Send + Unpin,
    B: AsRef<[u8]> + Send,
    E: Send,
{
    let guard = Guard {
        source,
        idle,
        peer,
        lines: Lines::default(),
        shape: Shape::Unknown,
        recognised: false,
        taken: 0,
        over: false,
    };
    stream::unfold((guard, tap), |(mut guard, tap)| async move {
        let item = guard.next().await.transpose()?.map_err(|fault| {
            tap.fail(fault);
            io::Error::other("the body failed")
        });
        Some((item, (guard, tap)))
    })
}

struct Guard<S> {
    source: S,
    idle: Duration,
    peer: Arc<Peer>,
    lines: Lines,
    shape: Shape,
    /// Whether any line looked like one of an event stream.
    recognised: bool,
    taken: usize,
    over: bool,
}

/// What the body turned out to be, by its first visible character: the content type is often wrong.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Unknown,
    Events,
    /// One JSON document: an error, or an answer from a server that does not stream.
    Json,
}

impl<S, B, E> Guard<S>
where
    S: Stream<Item = Result<B, E>> + Unpin,
    B: AsRef<[u8]>,
{
    async fn next(&mut self) -> Result<Option<Vec<u8>>, ProviderError> {
        while !self.over {
            if let Some(line) = self.lines.next() {
                if let Some(line) = self.line(line).await? {
                    return Ok(Some(line));
                }
                continue;
            }
            // Until proven otherwise nothing comes after this.
            self.over = true;
            match tokio::time::timeout(self.idle, self.source.next()).await {
                Err(_) => return Err(self.peer.timeout(TimeoutKind::Idle, self.idle)),
                Ok(Some(Err(_))) => return Err(self.peer.cut()),
                Ok(None) => return self.end(),
                Ok(Some(Ok(bytes))) => self.take(bytes.as_ref())?,
            }
            self.over = false;
        }
        Ok(None)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), ProviderError> {
        self.taken += bytes.len();
        self.lines.push(bytes);
        if self.taken > MAX_BODY || self.lines.pending() > MAX_LINE {
            return Err(self.peer.malformed("it is far longer than an answer can be"));
        }
        Ok(())
    }

    async fn line(&mut self, line: Vec<u8>) -> Result<Option<Vec<u8>>, ProviderError> {
        let line = self.shaped(line)?;
        if self.shape == Shape::Events && data(&line) == Some(b"[DONE]") {
            self.over = true;
            let rest = async { while let Some(Ok(_)) = self.source.next().await {} };
            // Too slow only costs the connection.
            let _ = tokio::time::timeout(TAIL, rest).await;
            return Ok(None);
        }
        Ok(Some(line).filter(|line| !line.is_empty()))
    }

    /// The source has ended in good order. A line without its end counts when nothing of it is missing.
    fn end(&mut self) -> Result<Option<Vec<u8>>, ProviderError> {
        let rest = self.lines.rest();
        let rest = if rest.is_empty() { rest } else { self.shaped(rest)? };
        if !self.recognised && self.shape == Shape::Events {
            return Err(self.peer.malformed("its body is no event stream"));
        }
        let whole = self.shape == Shape::Json
            || data(&rest).is_some_and(|data| serde_json::from_slice::<IgnoredAny>(data).is_ok());
        let mut last = if whole { rest } else { Vec::new() };
        last.extend_from_slice(b"\n\n");
        Ok(Some(last))
    }

    /// The line as the parser should see it: text, without the mark at the start, and JSON framed as an event.
    fn shaped(&mut self, line: Vec<u8>) -> Result<Vec<u8>, ProviderError> {
        let mut line = match String::from_utf8(line) {
            Ok(line) => line,
            Err(broken) => String::from_utf8_lossy(broken.as_bytes()).into_owned(),
        };
        if self.shape == Shape::Unknown {
            line = line.trim_start_matches('\u{feff}').to_owned();
            self.shape = match line.trim_start().chars().next() {
                None => Shape::Unknown,
                Some('{' | '[') => Shape::Json,
                Some('<') => return Err(self.peer.malformed("it is a web page")),
                Some(_) => Shape::Events,
            };
        }
        match self.shape {
            Shape::Unknown => line.clear(),
            Shape::Json => line.insert_str(0, "data: "),
            Shape::Events => {
                self.recognised |= [":", "data", "event", "id", "retry"]
                    .iter()
                    .any(|field| line.starts_with(field));
            }
        }
        Ok(line.into_bytes())
    }
}

/// The value of a `data` field.
fn data(line: &[u8]) -> Option<&[u8]> {
    Some(line.strip_prefix(b"data:")?.trim_ascii())
}

/// Bytes cut into lines, each byte looked at once.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Where the next line starts.
    start: usize,
    /// Up to where no line end was found.
    scanned: usize,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        let fresh = self.bytes.get(self.scanned..)?;
        let Some(end) = fresh.iter().position(|byte| *byte == b'\n') else {
            self.scanned = self.bytes.len();
            return None;
        };
        let end = self.scanned + end + 1;
        let line = self.bytes.get(self.start..end)?.to_vec();
        (self.start, self.scanned) = (end, end);
        Some(line)
    }

    fn rest(&mut self) -> Vec<u8> {
        self.bytes.split_off(self.start)
    }

    fn pending(&self) -> usize {
        self.bytes.len() - self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Endpoint;
    use proptest::prelude::*;
    use tokio::time::{Instant, sleep};

    const IDLE: Duration = Duration::from_secs(60);

    /// What the parser is handed, and the fault, if the body failed.
    async fn read<S>(source: S) -> (Vec<Vec<u8>>, Option<ProviderError>)
    where
        S: Stream<Item = Result<Vec<u8>, ()>> + Send,
    {
        let peer = Arc::new(Peer::of(&Endpoint::new("http://h/v1", "m").unwrap()));
        let tap = Tap::default();
        let lines: Vec<_> = guarded(Box::pin(source), IDLE, peer, tap.clone()).collect().await;
        let fault = tap.take_fault();
        assert_eq!(lines.iter().any(Result::is_err), fault.is_some());
        (lines.into_iter().filter_map(Result::ok).collect(), fault)
    }

    async fn read_pieces(pieces: &[&[u8]]) -> (Vec<u8>, Option<ProviderError>) {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(piece.to_vec())).collect();
        let (lines, fault) = read(stream::iter(pieces)).await;
        (lines.concat(), fault)
    }

    fn why(fault: Option<ProviderError>) -> String {
        match fault {
            Some(ProviderError::Malformed { why, .. }) => why,
            other => panic!("not malformed: {other:?}"),
        }
    }

    #[tokio::test]
    async fn the_parser_sees_whole_lines_without_a_byte_order_mark() {
        let (lines, fault) = read(stream::iter([
            Ok(b"\xef\xbb".to_vec()),
            Ok(b"\xbf\xef\xbb\xbfdata: {}\r\n\r".to_vec()),
            Ok(b"\ndata: \xe2\x82".to_vec()),
            Ok(b"\xac\n".to_vec()),
        ]))
        .await;
        assert_eq!(fault, None);
        assert_eq!(
            lines,
            [&b"data: {}\r\n"[..], b"\r\n", "data: €\n".as_bytes(), b"\n\n"]
        );
    }

    #[tokio::test]
    async fn a_json_body_becomes_one_event() {
        let (body, fault) = read_pieces(&[b"\n {\"a\":\n", b"1}"]).await;
        assert_eq!(fault, None);
        assert_eq!(body, b"data:  {\"a\":\ndata: 1}\n\n");
    }

    #[tokio::test]
    async fn a_last_line_without_its_end_counts_only_when_it_is_whole() {
        assert_eq!(read_pieces(&[b"data: {\"a\":1}"]).await.0, b"data: {\"a\":1}\n\n");
        assert_eq!(read_pieces(&[b"data: {\"a\":"]).await.0, b"\n\n");
    }

    #[tokio::test]
    async fn what_is_no_event_stream_is_told_so() {
        assert_eq!(why(read_pieces(&[b"  <html>"]).await.1), "it is a web page");
        assert_eq!(
            why(read_pieces(&[b"hello\n", b"world"]).await.1),
            "its body is no event stream"
        );
        assert_eq!(
            read_pieces(&[b"\n \n"]).await.1,
            None,
            "an empty body is a cut one, not another format"
        );
    }

    #[tokio::test]
    async fn a_line_or_a_body_without_end_is_stopped() {
        let piece = vec![b'x'; 1 << 20];
        let line = stream::iter(std::iter::repeat_n(Ok(piece), 100));
        assert_eq!(why(read(line).await.1), "it is far longer than an answer can be");
        let mut piece = vec![b'x'; 1 << 20];
        piece.push(b'\n');
        let body = stream::iter(std::iter::repeat_n(Ok(piece), 100));
        let (lines, fault) = read(body).await;
        assert_eq!(why(fault), "it is far longer than an answer can be");
        assert_eq!(lines.len(), 63);
    }

    #[tokio::test(start_paused = true)]
    async fn keep_alive_comments_are_signs_of_life_and_silence_is_not() {
        let started = Instant::now();
        let comments = stream::iter(0..10).then(|_| async {
            sleep(Duration::from_secs(59)).await;
            Ok(b": still here\n".to_vec())
        });
        let (lines, fault) = read(comments.chain(stream::pending())).await;
        assert_eq!(lines.len(), 10);
        assert_eq!(started.elapsed(), 10 * Duration::from_secs(59) + IDLE);
        assert!(matches!(
            fault,
            Some(ProviderError::Timeout {
                kind: TimeoutKind::Idle,
                after: IDLE,
                ..
            })
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn after_done_the_rest_is_waited_for_briefly_and_dropped() {
        let started = Instant::now();
        let source = stream::iter([Ok(b"data: {}\n\ndata: [DONE]\n\ndata: late\n".to_vec())]);
        let (lines, fault) = read(source.chain(stream::pending())).await;
        assert_eq!((lines.concat(), fault), (b"data: {}\n\n".to_vec(), None));
        assert_eq!(started.elapsed(), TAIL);
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_split_the_parser_sees_the_same(
            text in "(data: [a-z€{}:\"]{0,9}|: c|\u{feff}|event: x|<|\\{)?(\r?\n){0,2}(data: [a-z🦀\\[\\]]{0,9}(\r?\n){0,2}){0,4}",
            cuts in prop::collection::vec(0usize..200, 0..12),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            let split = runtime.block_on(read_pieces(&pieces));
            prop_assert_eq!(split, runtime.block_on(read_pieces(&[bytes])));
        }
    }
}
