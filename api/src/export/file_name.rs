use axum::http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 5987 lets stand as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');
/// Longer names are cut: file systems take 255 bytes, and a Korean letter is three of them.
const LONGEST: usize = 60;

/// `Content-Disposition` of a table about an event: its title is the name of the file, its id where a client knows ASCII
/// only.
pub(crate) fn disposition(title: &str, event_id: &str) -> HeaderValue {
    let title: String = title.chars().map(|c| if is_harmless(c) { c } else { '_' }).take(LONGEST).collect();
    let title = title.trim().trim_start_matches('.');
    let id: String = event_id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' })
        .collect();
    let encoded = utf8_percent_encode(title, ENCODED);
    let text = format!("attachment; filename=\"{id}-timeline.csv\"; filename*=UTF-8''{encoded}.csv");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment; filename=\"timeline.csv\""))
}

/// No file system and no shell makes more of it than a letter.
fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '\u{200e}'..='\u{202e}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_korean_title_is_the_name_of_the_file() {
        assert_eq!(
            disposition("새해 경품", "evt-0001"),
            "attachment; filename=\"evt-0001-timeline.csv\"; \
             filename*=UTF-8''%EC%83%88%ED%95%B4%20%EA%B2%BD%ED%92%88.csv"
        );
    }

    #[test]
    fn a_title_can_not_lead_elsewhere() {
        let header = disposition("../a\"\r\nSet-Cookie: x", "../가\"");
        assert_eq!(
            header,
            "attachment; filename=\"_____-timeline.csv\"; filename*=UTF-8''_a___Set-Cookie_%20x.csv"
        );
        assert!(disposition(&"가".repeat(255), "e").len() < 700);
    }
}
