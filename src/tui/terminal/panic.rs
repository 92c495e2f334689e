//! A panic's report belongs on the main screen.

use std::panic;

use super::modes;

/// Gives the terminal back before the hook that is installed now prints its report.
///
/// Call it once, after `color_eyre::install()`: that call replaces the hook, this one wraps it.
///
/// Only a panic on the thread that draws ends the application. One in a background task is caught where the task is
/// joined, and the application goes on; a report printed then would tear the screen, so the log gets its place instead.
/// Its message stays out of the log: it may quote the text that was being worked on.
pub fn install_panic_hook() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if modes::entered() && !modes::on_loop_thread() {
            let location = info.location().map(ToString::to_string).unwrap_or_default();
            let thread = std::thread::current();
            tracing::error!(location, thread = thread.name(), "a background task panicked");
            return;
        }
        modes::restore();
        report(info);
    }));
}
