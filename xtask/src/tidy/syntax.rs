//! What the rules want to know about one Rust file: functions, mentioned paths, test code.
//!
//! Paths are read from the tokens, so that code inside macro calls is seen too. Knows no rule.

use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// The findings of the parser in one file.
#[derive(Debug, Default)]
pub struct Syntax {
    /// Lines of items that exist only in tests.
    pub test_lines: Vec<RangeInclusive<usize>>,
    /// Functions with a body.
    pub functions: Vec<Function>,
    /// Paths (`a::b`), single names and keywords as they occur.
    pub mentions: Vec<Mention>,
    /// String literals.
    pub literals: Vec<Literal>,
    /// Modules that lie in files of their own.
    pub modules: Vec<Module>,
    /// Names of all modules that this file declares, with their lines.
    pub module_names: Vec<(String, usize)>,
    /// Lines with an `ignore` attribute.
    pub ignored: Vec<usize>,
}

/// A function with a body.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where its signature begins.
    pub line: usize,
    /// Lines from the signature to the closing brace.
    pub lines: usize,
    /// Parameters with the receiver.
    pub parameters: usize,
}

/// A path, a name or a keyword in the code.
#[derive(Debug)]
pub struct Mention {
    /// The parts between `::`.
    pub segments: Vec<String>,
    /// Where it begins.
    pub line: usize,
    /// Whether a `!` follows.
    pub is_macro: bool,
}

/// A string literal.
#[derive(Debug)]
pub struct Literal {
    /// First line.
    pub first_line: usize,
    /// Last line.
    pub last_line: usize,
    /// Column after its end, counted from 0.
    pub end_column: usize,
}

/// A module in a file of its own (`mod name;`).
#[derive(Debug)]
pub struct Module {
    /// Names from the file down: more than one when it stands in an inline module.
    pub path: Vec<String>,
    /// Whether it exists only in tests.
    pub is_test: bool,
}

impl Mention {
    /// Whether the first parts are these.
    pub fn starts_with(&self, parts: &[&str]) -> bool {
        self.segments.len() >= parts.len() && self.segments.iter().zip(parts).all(|(a, b)| a == b)
    }

    /// Whether the last parts are these.
    pub fn ends_with(&self, parts: &[&str]) -> bool {
        self.segments.len() >= parts.len()
            && self
                .segments
                .iter()
                .rev()
                .zip(parts.iter().rev())
                .all(|(a, b)| a == b)
    }

    /// The path as it is written.
    pub fn text(&self) -> String {
        self.segments.join("::")
    }
}

/// Parses one file.
pub fn parse(text: &str) -> syn::Result<Syntax> {
    let file = syn::parse_file(text)?;
    let mut collector = Collector::default();
    if file.attrs.iter().any(is_test_attribute) {
        collector.mark(1, text.lines().count());
    }
    collector.visit_file(&file);
    // `parse_file` has proved that the text is a token stream, with the same positions.
    read_tokens(text.parse()?, &mut collector.out);
    Ok(collector.out)
}

#[derive(Default)]
struct Collector {
    out: Syntax,
    inline: Vec<String>,
    test_depth: usize,
}

impl Collector {
    fn mark(&mut self, first: usize, last: usize) {
        self.out.test_lines.push(first..=last);
    }

    /// Runs `visit` for an item, noting its lines when its attributes make it test code.
    fn item(
        &mut self,
        attributes: &[syn::Attribute],
        span: proc_macro2::Span,
        visit: impl FnOnce(&mut Self),
    ) {
        let is_test = attributes.iter().any(is_test_attribute);
        if is_test {
            self.mark(span.start().line, span.end().line);
            self.test_depth += 1;
        }
        visit(self);
        if is_test {
            self.test_depth -= 1;
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.span().start().line;
        let last = block.brace_token.span.close().end().line;
        self.out.functions.push(Function {
            name: signature.ident.to_string(),
            line,
            lines: last.saturating_sub(line) + 1,
            parameters: signature.inputs.len(),
        });
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.item(&module.attrs, module.span(), |this| {
            let name = module.ident.to_string();
            this.out
                .module_names
                .push((name.clone(), module.ident.span().start().line));
            this.inline.push(name);
            if module.content.is_none() {
                let (path, is_test) = (this.inline.clone(), this.test_depth > 0);
                this.out.modules.push(Module { path, is_test });
            }
            visit::visit_item_mod(this, module);
            this.inline.pop();
        });
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.item(&function.attrs, function.span(), |this| {
            this.function(&function.sig, &function.block);
            visit::visit_item_fn(this, function);
        });
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        self.item(&block.attrs, block.span(), |this| {
            visit::visit_item_impl(this, block);
        });
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.item(&function.attrs, function.span(), |this| {
            this.function(&function.sig, &function.block);
            visit::visit_impl_item_fn(this, function);
        });
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.item(&item.attrs, item.span(), |this| {
            read_use(&item.tree, &mut Vec::new(), &mut this.out.mentions);
        });
    }
}

/// Whether an attribute makes its item test code: `cfg(test)`, `test`, `tokio::test`.
fn is_test_attribute(attribute: &syn::Attribute) -> bool {
    let last = attribute
        .path()
        .segments
        .last()
        .map(|segment| segment.ident.to_string());
    match last.as_deref() {
        Some("test") => true,
        Some("cfg") => attribute.meta.require_list().is_ok_and(|list| {
            let condition = list.tokens.to_string();
            condition.contains("test") && !condition.contains("not")
        }),
        _ => false,
    }
}

/// Adds every full path that a `use` brings in.
fn read_use(tree: &syn::UseTree, prefix: &mut Vec<String>, mentions: &mut Vec<Mention>) {
    let mut add = |last: &proc_macro2::Ident, prefix: &[String]| {
        let mut segments = prefix.to_vec();
        if last != "self" {
            segments.push(last.to_string());
        }
        mentions.push(Mention {
            segments,
            line: last.span().start().line,
            is_macro: false,
        });
    };
    match tree {
        syn::UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            read_use(&path.tree, prefix, mentions);
            prefix.pop();
        }
        syn::UseTree::Name(name) => add(&name.ident, prefix),
        syn::UseTree::Rename(rename) => add(&rename.ident, prefix),
        syn::UseTree::Glob(glob) => {
            let line = glob.star_token.span.start().line;
            mentions.push(Mention {
                segments: prefix.clone(),
                line,
                is_macro: false,
            });
        }
        syn::UseTree::Group(group) => {
            for item in &group.items {
                read_use(item, prefix, mentions);
            }
        }
    }
}

/// Collects paths, literals and `ignore` attributes from tokens, into macro calls too.
fn read_tokens(stream: TokenStream, out: &mut Syntax) {
    let mut path = PathReader::default();
    let mut after_hash = false;
    for token in stream {
        let mut is_hash = false;
        match token {
            TokenTree::Ident(ident) => {
                path.name(ident.to_string(), ident.span().start().line, out);
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => path.colons += 1,
            TokenTree::Punct(punct) => {
                path.flush(punct.as_char() == '!', out);
                is_hash = punct.as_char() == '#';
            }
            TokenTree::Literal(literal) => {
                path.flush(false, out);
                let span = literal.span();
                out.literals.push(Literal {
                    first_line: span.start().line,
                    last_line: span.end().line,
                    end_column: span.end().column,
                });
            }
            TokenTree::Group(group) => {
                path.flush(false, out);
                if after_hash && is_ignore(&group) {
                    out.ignored.push(group.span().start().line);
                }
                read_tokens(group.stream(), out);
            }
        }
        after_hash = is_hash;
    }
    path.flush(false, out);
}

fn is_ignore(group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "ignore")
}

/// Joins names and `::` to paths.
#[derive(Default)]
struct PathReader {
    segments: Vec<String>,
    line: usize,
    colons: usize,
}

impl PathReader {
    fn name(&mut self, name: String, line: usize, out: &mut Syntax) {
        if self.colons != 2 {
            self.flush(false, out);
        }
        if self.segments.is_empty() {
            self.line = line;
        }
        self.segments.push(name);
        self.colons = 0;
    }

    fn flush(&mut self, is_macro: bool, out: &mut Syntax) {
        self.colons = 0;
        if !self.segments.is_empty() {
            let segments = std::mem::take(&mut self.segments);
            out.mentions.push(Mention {
                segments,
                line: self.line,
                is_macro,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sees_code_inside_macros_and_use_groups() {
        let text = "use std::{fs, io::Read as _};\nfn f() { assert!(Instant::now() > x); }\n";
        let syntax = parse(text).unwrap();
        let texts: Vec<String> = syntax.mentions.iter().map(super::Mention::text).collect();
        for expected in ["std::fs", "std::io::Read", "Instant::now"] {
            assert!(
                texts.iter().any(|text| text == expected),
                "{expected} in {texts:?}"
            );
        }
        let call = syntax
            .mentions
            .iter()
            .find(|mention| mention.is_macro)
            .unwrap();
        assert_eq!((call.text().as_str(), call.line), ("assert", 2));
    }

    #[test]
    fn knows_test_code_by_its_attributes() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n\
                    #[tokio::test]\nasync fn c() {\n}\n#[cfg(not(test))]\nfn d() {}\n";
        let syntax = parse(text).unwrap();
        assert_eq!(syntax.test_lines, [2..=5, 6..=8]);
    }

    #[test]
    fn measures_functions_from_signature_to_brace() {
        let text =
            "/// Doc.\n#[must_use]\nfn a(\n    x: u8,\n) {\n}\nimpl X { fn b(&self, y: u8) {} }\n";
        let syntax = parse(text).unwrap();
        let seen: Vec<_> = syntax
            .functions
            .iter()
            .map(|f| (f.name.as_str(), f.line, f.lines, f.parameters))
            .collect();
        assert_eq!(seen, [("a", 3, 4, 1), ("b", 7, 1, 2)]);
    }
}
