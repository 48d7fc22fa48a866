//! A reader of GraphQL documents: operations, fragments, variables, directives.
//! Knows the language only, not the schema. Nesting is bounded, so no document can exhaust the stack.

// tidy: long because it is a lexer and a parser that share their small types.

use std::collections::HashMap;

/// Deepest nesting of braces and lists that is read at all.
const NESTING_MAX: usize = 100;

/// Where something stands; line and column count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct At {
    pub line: usize,
    pub column: usize,
}

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Variable(String),
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Enum(String),
    List(Vec<Literal>),
    Object(Vec<(String, Literal)>),
}

pub(crate) type Arguments = Vec<(String, Literal)>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Directive {
    pub name: String,
    pub arguments: Arguments,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub alias: Option<String>,
    pub name: String,
    pub arguments: Arguments,
    pub directives: Vec<Directive>,
    pub selections: Vec<Selection>,
    pub at: At,
}

impl Field {
    /// The key in the answer.
    pub(crate) fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Selection {
    Field(Field),
    Spread {
        name: String,
        directives: Vec<Directive>,
        at: At,
    },
    Inline {
        on: Option<String>,
        directives: Vec<Directive>,
        selections: Vec<Selection>,
        at: At,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variable {
    pub name: String,
    /// The type as written, e.g. `ID!`.
    pub kind: String,
    pub default: Option<Literal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperationKind {
    Query,
    Mutation,
    Subscription,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operation {
    pub kind: OperationKind,
    pub name: Option<String>,
    pub variables: Vec<Variable>,
    pub selections: Vec<Selection>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fragment {
    pub on: String,
    pub selections: Vec<Selection>,
}

/// A read document.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Document {
    pub operations: Vec<Operation>,
    pub fragments: HashMap<String, Fragment>,
    /// Number of words and signs, for the limit.
    pub tokens: usize,
}

/// A document that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub message: String,
    pub at: Option<At>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Int(i64),
    Float(f64),
    Text(String),
    Sign(char),
    Dots,
}

struct Lexer<'a> {
    letters: std::iter::Peekable<std::str::Chars<'a>>,
    at: At,
}

impl Lexer<'_> {
    fn next_char(&mut self) -> Option<char> {
        let c = self.letters.next()?;
        if c == '\n' {
            self.at.line = self.at.line.saturating_add(1);
            self.at.column = 1;
        } else {
            self.at.column = self.at.column.saturating_add(1);
        }
        Some(c)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut out = String::new();
        while let Some(c) = self.letters.peek().copied().filter(|c| wanted(*c)) {
            out.push(c);
            self.next_char();
        }
        out
    }

    fn fail(&self, message: &str) -> SyntaxError {
        SyntaxError {
            message: message.to_owned(),
            at: Some(self.at),
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        match self.next_char() {
            Some('n') => Ok('\n'),
            Some('t') => Ok('\t'),
            Some('r') => Ok('\r'),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some(c @ ('"' | '\\' | '/')) => Ok(c),
            Some('u') => {
                let first = self.hex4()?;
                if !(0xD800..0xDC00).contains(&first) {
                    return char::from_u32(first).ok_or_else(|| self.fail("Bad escape"));
                }
                // The second half of a surrogate pair.
                if self.next_char() != Some('\\') || self.next_char() != Some('u') {
                    return Err(self.fail("Bad escape"));
                }
                let second = self.hex4()?;
                let high = first.wrapping_sub(0xD800) << 10;
                let code = 0x10000_u32
                    .wrapping_add(high)
                    .wrapping_add(second.wrapping_sub(0xDC00));
                char::from_u32(code).ok_or_else(|| self.fail("Bad escape"))
            }
            _ => Err(self.fail("Bad escape")),
        }
    }

    fn hex4(&mut self) -> Result<u32, SyntaxError> {
        let digits: String = (0..4).filter_map(|_| self.next_char()).collect();
        u32::from_str_radix(&digits, 16).map_err(|_| self.fail("Bad escape"))
    }

    fn block_text(&mut self) -> Result<String, SyntaxError> {
        let mut raw = String::new();
        loop {
            match self.next_char() {
                None => return Err(self.fail("Unterminated string")),
                Some(c) => raw.push(c),
            }
            if raw.ends_with("\\\"\"\"") {
                raw.truncate(raw.len().saturating_sub(4));
                raw.push_str("\"\"\"");
            } else if raw.ends_with("\"\"\"") {
                raw.truncate(raw.len().saturating_sub(3));
                let lines: Vec<&str> = raw.lines().map(str::trim).collect();
                return Ok(lines.join("\n").trim().to_owned());
            }
        }
    }

    fn text(&mut self) -> Result<String, SyntaxError> {
        let mut out = String::new();
        loop {
            match self.next_char() {
                Some('"') if out.is_empty() && self.letters.peek() == Some(&'"') => {
                    self.next_char();
                    return self.block_text();
                }
                Some('"') => return Ok(out),
                Some('\\') => out.push(self.escape()?),
                None | Some('\n') => return Err(self.fail("Unterminated string")),
                Some(c) => out.push(c),
            }
        }
    }

    fn number(&mut self) -> Result<Token, SyntaxError> {
        let text =
            self.take_while(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'));
        if let Ok(int) = text.parse() {
            return Ok(Token::Int(int));
        }
        text.parse()
            .map(Token::Float)
            .map_err(|_| self.fail("Bad number"))
    }

    fn token(&mut self) -> Result<Option<(Token, At)>, SyntaxError> {
        loop {
            self.take_while(|c| c.is_whitespace() || c == ',' || c == '\u{feff}');
            let at = self.at;
            let token = match self.letters.peek().copied() {
                None => return Ok(None),
                Some('#') => {
                    self.take_while(|c| c != '\n');
                    continue;
                }
                Some('"') => {
                    self.next_char();
                    Token::Text(self.text()?)
                }
                Some(c) if c.is_ascii_digit() || c == '-' => self.number()?,
                Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                    Token::Name(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_'))
                }
                Some('.') => {
                    let dots = self.take_while(|c| c == '.');
                    if dots.len() != 3 {
                        return Err(self.fail("Expected ..."));
                    }
                    Token::Dots
                }
                Some(c) if "{}()[]:!$@=|&".contains(c) => {
                    self.next_char();
                    Token::Sign(c)
                }
                Some(c) => return Err(self.fail(&format!("Unexpected character {c:?}"))),
            };
            return Ok(Some((token, at)));
        }
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<(Token, At)>>,
    nesting: usize,
}

type Read<T> = Result<T, SyntaxError>;

impl Parser {
    fn peek(&mut self) -> Option<&Token> {
        self.tokens.peek().map(|(token, _)| token)
    }

    fn is_sign(&mut self, sign: char) -> bool {
        self.peek() == Some(&Token::Sign(sign))
    }

    fn at(&mut self) -> At {
        self.tokens.peek().map(|(_, at)| *at).unwrap_or_default()
    }

    fn unexpected(&mut self) -> SyntaxError {
        match self.tokens.peek() {
            None => SyntaxError {
                message: "Unexpected end of document".to_owned(),
                at: None,
            },
            Some((token, at)) => {
                let word = match token {
                    Token::Name(name) => format!("{name:?} (IDENTIFIER)"),
                    Token::Sign(c) => format!("{:?}", c.to_string()),
                    other => format!("{other:?}"),
                };
                let message = format!("Parse error on {word} at [{}, {}]", at.line, at.column);
                SyntaxError {
                    message,
                    at: Some(*at),
                }
            }
        }
    }

    fn eat(&mut self, sign: char) -> bool {
        let is_here = self.is_sign(sign);
        if is_here {
            self.tokens.next();
        }
        is_here
    }

    fn expect(&mut self, sign: char) -> Read<()> {
        if self.eat(sign) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn name(&mut self) -> Read<String> {
        match self
            .tokens
            .next_if(|(token, _)| matches!(token, Token::Name(_)))
        {
            Some((Token::Name(name), _)) => Ok(name),
            _ => Err(self.unexpected()),
        }
    }

    fn enter(&mut self) -> Read<()> {
        self.nesting = self.nesting.saturating_add(1);
        if self.nesting > NESTING_MAX {
            return Err(SyntaxError {
                message: "Document is nested too deeply".to_owned(),
                at: None,
            });
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.nesting = self.nesting.saturating_sub(1);
    }

    fn document(&mut self) -> Read<Document> {
        let mut document = Document::default();
        while let Some(token) = self.peek().cloned() {
            match token {
                Token::Sign('{') => {
                    let selections = self.selections()?;
                    let kind = OperationKind::Query;
                    let operation = Operation {
                        kind,
                        name: None,
                        variables: Vec::new(),
                        selections,
                    };
                    document.operations.push(operation);
                }
                Token::Name(word) if word == "fragment" => {
                    self.tokens.next();
                    let name = self.name()?;
                    if self.name()? != "on" {
                        return Err(self.unexpected());
                    }
                    let on = self.name()?;
                    self.directives()?;
                    let selections = self.selections()?;
                    document.fragments.insert(name, Fragment { on, selections });
                }
                Token::Name(word) => {
                    let kind = match word.as_str() {
                        "query" => OperationKind::Query,
                        "mutation" => OperationKind::Mutation,
                        "subscription" => OperationKind::Subscription,
                        _ => return Err(self.unexpected()),
                    };
                    self.tokens.next();
                    document.operations.push(self.operation(kind)?);
                }
                _ => return Err(self.unexpected()),
            }
        }
        if document.operations.is_empty() {
            return Err(self.unexpected());
        }
        Ok(document)
    }

    fn operation(&mut self, kind: OperationKind) -> Read<Operation> {
        let name = if self.is_sign('{') || self.is_sign('(') || self.is_sign('@') {
            None
        } else {
            Some(self.name()?)
        };
        let mut variables = Vec::new();
        if self.eat('(') {
            while !self.eat(')') {
                self.expect('$')?;
                let name = self.name()?;
                self.expect(':')?;
                let kind = self.kind()?;
                let default = if self.eat('=') {
                    Some(self.value()?)
                } else {
                    None
                };
                self.directives()?;
                variables.push(Variable {
                    name,
                    kind,
                    default,
                });
            }
        }
        self.directives()?;
        let selections = self.selections()?;
        Ok(Operation {
            kind,
            name,
            variables,
            selections,
        })
    }

    fn kind(&mut self) -> Read<String> {
        self.enter()?;
        let mut kind = if self.eat('[') {
            let inner = self.kind()?;
            self.expect(']')?;
            format!("[{inner}]")
        } else {
            self.name()?
        };
        if self.eat('!') {
            kind.push('!');
        }
        self.leave();
        Ok(kind)
    }

    fn selections(&mut self) -> Read<Vec<Selection>> {
        self.enter()?;
        self.expect('{')?;
        let mut out = Vec::new();
        while !self.eat('}') {
            out.push(self.selection()?);
        }
        self.leave();
        if out.is_empty() {
            return Err(self.unexpected());
        }
        Ok(out)
    }

    fn selection(&mut self) -> Read<Selection> {
        let at = self.at();
        if self.peek() == Some(&Token::Dots) {
            self.tokens.next();
            let is_on = matches!(self.peek(), Some(Token::Name(word)) if word == "on");
            if is_on {
                self.tokens.next();
                let on = Some(self.name()?);
                let directives = self.directives()?;
                return Ok(Selection::Inline {
                    on,
                    directives,
                    selections: self.selections()?,
                    at,
                });
            }
            if self.is_sign('{') || self.is_sign('@') {
                let directives = self.directives()?;
                let selections = self.selections()?;
                return Ok(Selection::Inline {
                    on: None,
                    directives,
                    selections,
                    at,
                });
            }
            let name = self.name()?;
            return Ok(Selection::Spread {
                name,
                directives: self.directives()?,
                at,
            });
        }
        let first = self.name()?;
        let (alias, name) = if self.eat(':') {
            (Some(first), self.name()?)
        } else {
            (None, first)
        };
        let arguments = self.arguments()?;
        let directives = self.directives()?;
        let selections = if self.is_sign('{') {
            self.selections()?
        } else {
            Vec::new()
        };
        Ok(Selection::Field(Field {
            alias,
            name,
            arguments,
            directives,
            selections,
            at,
        }))
    }

    fn arguments(&mut self) -> Read<Arguments> {
        let mut out = Vec::new();
        if self.eat('(') {
            while !self.eat(')') {
                let name = self.name()?;
                self.expect(':')?;
                out.push((name, self.value()?));
            }
        }
        Ok(out)
    }

    fn directives(&mut self) -> Read<Vec<Directive>> {
        let mut out = Vec::new();
        while self.eat('@') {
            let name = self.name()?;
            out.push(Directive {
                name,
                arguments: self.arguments()?,
            });
        }
        Ok(out)
    }

    fn value(&mut self) -> Read<Literal> {
        self.enter()?;
        let value = match self.peek().cloned() {
            Some(Token::Sign('$')) => {
                self.tokens.next();
                Literal::Variable(self.name()?)
            }
            Some(Token::Sign('[')) => {
                self.tokens.next();
                let mut items = Vec::new();
                while !self.eat(']') {
                    items.push(self.value()?);
                }
                Literal::List(items)
            }
            Some(Token::Sign('{')) => {
                self.tokens.next();
                let mut fields = Vec::new();
                while !self.eat('}') {
                    let name = self.name()?;
                    self.expect(':')?;
                    fields.push((name, self.value()?));
                }
                Literal::Object(fields)
            }
            Some(Token::Sign(_) | Token::Dots) | None => return Err(self.unexpected()),
            Some(token) => {
                self.tokens.next();
                match token {
                    Token::Int(n) => Literal::Int(n),
                    Token::Float(n) => Literal::Float(n),
                    Token::Text(text) => Literal::Text(text),
                    Token::Name(word) => match word.as_str() {
                        "true" => Literal::Bool(true),
                        "false" => Literal::Bool(false),
                        "null" => Literal::Null,
                        _ => Literal::Enum(word),
                    },
                    Token::Sign(_) | Token::Dots => Literal::Null,
                }
            }
        };
        self.leave();
        Ok(value)
    }
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Document, SyntaxError> {
    let mut lexer = Lexer {
        letters: text.chars().peekable(),
        at: At { line: 1, column: 1 },
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.token()? {
        tokens.push(token);
    }
    let count = tokens.len();
    let mut document = Parser {
        tokens: tokens.into_iter().peekable(),
        nesting: 0,
    }
    .document()?;
    document.tokens = count;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rich_document_is_read() {
        let text = r#"
            # comment
            query Q($id: ID!, $n: [Int!] = [1, 2]) {
              c: course(id: $id) { ...F @include(if: true) ... on Course { name } ... { _id } }
            }
            fragment F on Course { x(a: {b: "c\n\"\u00fc\ud83d\ude00", d: ENUM, e: null, f: -1.5}) }
            mutation { m(input: {text: """ block "quoted" """}) { __typename } }
        "#;
        let document = parse(text).unwrap();
        assert_eq!(document.operations.len(), 2);
        assert_eq!(document.operations[0].variables[1].kind, "[Int!]");
        let Selection::Field(x) = &document.fragments["F"].selections[0] else {
            panic!()
        };
        let Literal::Object(fields) = &x.arguments[0].1 else {
            panic!()
        };
        assert_eq!(fields[0].1, Literal::Text("c\n\"ü😀".into()));
        assert_eq!(fields[3].1, Literal::Float(-1.5));
    }

    #[test]
    fn broken_documents_are_errors_and_never_panic() {
        let error = parse("{course(id:1){").unwrap_err();
        assert_eq!(
            error,
            SyntaxError {
                message: "Unexpected end of document".into(),
                at: None
            }
        );
        for text in [
            "",
            "{",
            "{}",
            "}",
            "{a(",
            "{a(b:}",
            "query(",
            "{a:}",
            "\"",
            "{a(b:\"\\u12\")}",
            "..",
            "{..a}",
            "{a @}",
            "é",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"{a".repeat(10_000)).is_err());
        assert!(parse(&format!("{{a(b:{})}}", "[".repeat(10_000))).is_err());
    }

    #[test]
    fn places_count_from_one() {
        let document = parse("{course(id:1){nope}}").unwrap();
        let Selection::Field(course) = &document.operations[0].selections[0] else {
            panic!()
        };
        let Selection::Field(nope) = &course.selections[0] else {
            panic!()
        };
        assert_eq!(
            nope.at,
            At {
                line: 1,
                column: 15
            }
        );
    }
}
