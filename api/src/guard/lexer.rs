/// What the scan has to tell apart; every other punctuator, number or string is [`Token::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open(Bracket),
    Close(Bracket),
    Name(&'a str),
    Spread,
    At,
    Colon,
    Dollar,
    /// So many bytes, up to the line's end.
    Comment(usize),
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    Brace,
    Parenthesis,
    Square,
}

/// Cuts a document into tokens, byte by byte, without ever going back.
///
/// The scan is only worth something if the parser behind it never sees a bracket that this lexer took for part of a
/// string or comment. So it follows the parser's grammar where the two could part ways: a plain string ends at a line
/// break, and a block string that is never closed is read as an empty string and another quote.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// No `"""` closes a block string from here on. Remembered, so that many unclosed ones stay linear.
    no_block_end: bool,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, no_block_end: false }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn skip_while(&mut self, accept: impl Fn(u8) -> bool) {
        self.at += self.rest().iter().take_while(|byte| accept(**byte)).count();
    }

    fn skip_number(&mut self) {
        loop {
            self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            match self.rest() {
                [b'.', digit, ..] if digit.is_ascii_digit() => self.at += 1,
                _ => return,
            }
        }
    }

    fn skip_string(&mut self) {
        if !self.no_block_end && self.rest().starts_with(b"\"\"\"") {
            if let Some(length) = block_string_length(self.rest()) {
                self.at += length;
                return;
            }
            self.no_block_end = true;
        }
        self.at += 1;
        loop {
            self.skip_while(|byte| !matches!(byte, b'"' | b'\\' | b'\n' | b'\r'));
            match self.rest() {
                [b'"', ..] => {
                    self.at += 1;
                    return;
                }
                [b'\\', escaped, ..] if !matches!(escaped, b'\n' | b'\r') => self.at += 2,
                [b'\\', ..] => self.at += 1,
                _ => return,
            }
        }
    }
}

/// The document without its comments: what is left stays on its line and in its column.
pub(super) fn without_comments(document: &str) -> String {
    let mut kept = String::with_capacity(document.len());
    let mut lexer = Lexer::new(document);
    let mut from = 0;
    while let Some(token) = lexer.next() {
        if let Token::Comment(bytes) = token {
            kept.push_str(document.get(from..lexer.at - bytes).unwrap_or_default());
            from = lexer.at;
        }
    }
    kept.push_str(document.get(from..).unwrap_or_default());
    kept
}

/// The length of a block string with its quotes; `None` where it is not closed.
fn block_string_length(text: &[u8]) -> Option<usize> {
    let mut at = 3;
    loop {
        at += text.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        let rest = text.get(at..)?;
        if rest.starts_with(b"\\\"\"\"") {
            at += 4;
        } else if rest.starts_with(b"\"\"\"") {
            return Some(at + 3);
        } else {
            at += 1;
        }
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let start = self.at;
            let first = *self.rest().first()?;
            let token = match first {
                b' ' | b'\t' | b',' | b'\n' | b'\r' => {
                    self.at += 1;
                    continue;
                }
                b'#' => {
                    self.skip_while(|byte| !matches!(byte, b'\n' | b'\r'));
                    return Some(Token::Comment(self.at - start));
                }
                b'"' => {
                    self.skip_string();
                    return Some(Token::Other);
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                    self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                    return Some(Token::Name(self.text.get(start..self.at).unwrap_or_default()));
                }
                b'0'..=b'9' => {
                    self.skip_number();
                    return Some(Token::Other);
                }
                b'.' if self.rest().starts_with(b"...") => {
                    self.at += 3;
                    return Some(Token::Spread);
                }
                0x80.. => {
                    // A byte order mark is white space; any other character beyond ASCII is the parser's to refuse.
                    let character = self.text.get(start..).and_then(|rest| rest.chars().next())?;
                    self.at += character.len_utf8();
                    if character == '\u{feff}' {
                        continue;
                    }
                    return Some(Token::Other);
                }
                b'{' => Token::Open(Bracket::Brace),
                b'}' => Token::Close(Bracket::Brace),
                b'(' => Token::Open(Bracket::Parenthesis),
                b')' => Token::Close(Bracket::Parenthesis),
                b'[' => Token::Open(Bracket::Square),
                b']' => Token::Close(Bracket::Square),
                b'@' => Token::At,
                b':' => Token::Colon,
                b'$' => Token::Dollar,
                _ => Token::Other,
            };
            self.at += 1;
            return Some(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_brackets(text: &str) -> usize {
        Lexer::new(text).filter(|token| matches!(token, Token::Open(_))).count()
    }

    #[test]
    fn brackets_in_strings_and_comments_are_text() {
        assert_eq!(open_brackets(r#"{ a(b: "{[(", c: """ [ \""" [ """) # [[["#), 2);
        assert_eq!(open_brackets("{ # [[[\r [ }"), 2);
        assert_eq!(open_brackets(r#"{ a(b: "\"[[[") }"#), 2);
    }

    #[test]
    fn comments_are_left_out_and_nothing_moves() {
        assert_eq!(without_comments("# a\n{ b # c\r  d(e: \"# f\") #"), "\n{ b \r  d(e: \"# f\") ");
        assert_eq!(
            without_comments("{ a(b: \"\"\"\n# c\n\"\"\") } # 가\n"),
            "{ a(b: \"\"\"\n# c\n\"\"\") } \n"
        );
    }

    #[test]
    fn an_unclosed_block_string_hides_nothing() {
        assert_eq!(open_brackets("{ a(b: [ \"\"\" [ \" [[["), 6);
        assert_eq!(open_brackets("{ a(b: \"\"\"\"\"\" [ )"), 3);
    }

    #[test]
    fn a_string_ends_with_its_line() {
        assert_eq!(open_brackets("{ a(b: \"[[[\n[[["), 5);
        assert_eq!(open_brackets("{ a(b: \"[[[\\\n[[["), 5);
    }

    #[test]
    fn names_numbers_and_marks() {
        let tokens: Vec<_> = Lexer::new("\u{feff}query,a1:-1.5e3...b 가").collect();
        assert_eq!(
            tokens,
            [
                Token::Name("query"),
                Token::Name("a1"),
                Token::Colon,
                Token::Other,
                Token::Other,
                Token::Spread,
                Token::Name("b"),
                Token::Other
            ]
        );
    }
}
