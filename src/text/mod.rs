//! Text from outside made safe for a terminal, and measured as the terminal pane measures it.
//!
//! A model, a data set, a file or a server's error message may hold escape sequences, bidi overrides, invisible
//! characters and floods of combining marks. [`sanitize`] runs once, on accumulated text (never on single chunks:
//! a sequence may be split between two of them), before the text reaches a screen or a log.

mod escape;
mod redact;
mod sanitize;
mod width;

pub use redact::{Flow, Redactor};
pub use sanitize::{is_hidden, sanitize, sanitize_bytes, sanitize_line};
pub use width::{ELLIPSIS, fit, grapheme_width, truncate, width};
