//! Bytes that came from outside, for a terminal.

use serde::de::IgnoredAny;

/// Text as it is, but for control characters, which are escaped; bytes that are no text, escaped.
pub(super) fn text(bytes: &[u8]) -> String {
    let Ok(text) = str::from_utf8(bytes) else { return bytes.escape_ascii().to_string() };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' && c != '\t' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// JSON on lines of its own, character by character as it was sent: fields in their order and as often as they are
/// there, numbers with all their digits. What is wrong with a message may be just that.
pub(super) fn pretty(bytes: &[u8]) -> String {
    if serde_json::from_slice::<IgnoredAny>(bytes).is_err() {
        return text(bytes);
    }
    let compact = text(bytes);
    let mut shown = String::with_capacity(compact.len() * 2);
    let mut depth = 0;
    let mut characters = compact.chars().filter(insignificant()).peekable();
    let mut quoted = Quoted::default();
    while let Some(c) = characters.next() {
        if quoted.holds(c) {
            shown.push(c);
            continue;
        }
        match c {
            '{' | '[' if characters.peek().is_some_and(|next| !matches!(next, '}' | ']')) => {
                depth += 1;
                shown.push(c);
                begin_line(&mut shown, depth);
            }
            '}' | ']' if !shown.ends_with(['{', '[']) => {
                depth -= 1;
                begin_line(&mut shown, depth);
                shown.push(c);
            }
            ',' => {
                shown.push(c);
                begin_line(&mut shown, depth);
            }
            ':' => shown.push_str(": "),
            _ => shown.push(c),
        }
    }
    shown
}

fn begin_line(shown: &mut String, depth: usize) {
    shown.push('\n');
    shown.extend(std::iter::repeat_n("  ", depth));
}

/// Lets pass what is no space between tokens.
fn insignificant() -> impl FnMut(&char) -> bool {
    let mut quoted = Quoted::default();
    move |c| quoted.holds(*c) || !c.is_ascii_whitespace()
}

/// Where in a JSON text strings are.
#[derive(Default)]
struct Quoted {
    inside: bool,
    escaped: bool,
}

impl Quoted {
    /// Whether the next character is part of a string, its quotes included.
    fn holds(&mut self, c: char) -> bool {
        if !self.inside {
            self.inside = c == '"';
            return self.inside;
        }
        if self.escaped {
            self.escaped = false;
        } else if c == '\\' {
            self.escaped = true;
        } else if c == '"' {
            self.inside = false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_and_otherwise_kept() {
        let sent = r#"{"b" :1.10,"a":[ ],"a":{"t":"새 \"해\", {x: [1]}"}, "n":[1,-2e400,{}]}"#;
        let expected = r#"{
  "b": 1.10,
  "a": [],
  "a": {
    "t": "새 \"해\", {x: [1]}"
  },
  "n": [
    1,
    -2e400,
    {}
  ]
}"#;
        assert_eq!(pretty(sent.as_bytes()), expected);
    }

    #[test]
    fn what_is_no_json_is_shown_without_harm() {
        assert_eq!(pretty("{\"a\": 1\n".as_bytes()), "{\"a\": 1\n");
        assert_eq!(pretty(b"\x1b[2J"), "\\u{1b}[2J");
        assert_eq!(pretty(b"\xff\x00a"), "\\xff\\x00a");
        assert_eq!(text("가\t나".as_bytes()), "가\t나");
    }
}
