//! placeholder until the text branch lands
pub fn sanitize(s: &str) -> String { s.chars().filter(|c| *c == '\n' || !c.is_control()).collect() }
