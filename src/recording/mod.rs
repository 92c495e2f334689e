//! What happened, in a file: the event stream with its timing, one JSON object a line.
//!
//! ```text
//! {"v":1,"event":"recording","t_ms":0,"program":"defi-qa 0.1.0","began":"2026-11-23T20:10:36Z","gauges":{..},"cache":{..}}
//! {"v":1,"event":"asked","t_ms":812.4,"run":1,"question":"What is impermanent loss?"}
//! {"v":1,"event":"started","t_ms":812.9,"run":1,"at_ms":0.2,"question":"What is impermanent loss?","setup":{..}}
//! {"v":1,"event":"gauges","t_ms":821.0,"gauges":{..}}
//! {"v":1,"event":"token","t_ms":840.3,"run":1,"at_ms":27.6,"text":"Impermanent "}
//! {"v":1,"event":"compared","t_ms":9021.5,"asked":"..","retrievers":[..],"query":"..","columns":[..],"rows":[..],"pairs":[..]}
//! ```
//! Every line has `t_ms`, the milliseconds on the recorder's clock. Lines of a run are those of [`crate::agent::event`];
//! `recording`, `asked`, `gauges` and `compared` (a comparison of retrievers: the columns, the joined rows with
//! each column's rank and score, and the pairs in full) are the recording's own. What `ask --events` prints is a recording too, without
//! `t_ms`: its runs follow each other. A recording may stop after any line; recordings may follow each other in one file.
//!
//! No line holds a vector (events name one by the digest of its cache key) and none holds a header of a request or a key.

mod date;
mod line;
mod reader;
mod transcript;
mod writer;

pub use date::timestamp;
pub use line::compared_line;
pub use reader::{Damage, ReadError, Recording};
pub use transcript::Transcript;
pub use writer::{RecordError, Recorder};
