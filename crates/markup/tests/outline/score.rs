//! How much of each corpus survives: judged by a parser of Markdown and an outline of HTML that
//! share no code with the crate.

use crate::outline::{Rules, outline, words};
use markup::{Context, canonical_markdown, canvas_to_discourse, discourse_to_canvas, sanitise};
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;

/// One line of the table.
#[derive(Debug, Default)]
pub struct Row {
    pub corpus: &'static str,
    pub bodies: usize,
    pub text: usize,
    pub structure: usize,
    pub fixpoint: usize,
    /// Bodies that still change after the first trip.
    pub drift: usize,
    /// Bodies in which plain text became a feature.
    pub activated: usize,
    /// Bodies in which text became markup that a browser acts on.
    pub live: usize,
    /// Named constructs that came through, and how many there are.
    pub kept: (usize, usize),
    /// What fell short, for people.
    pub short: Vec<String>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, named) = self.kept;
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {kept} of {named} |",
            self.corpus,
            self.bodies,
            share(self.text, self.bodies),
            share(self.structure, self.bodies),
            share(self.fixpoint, self.bodies),
            self.drift,
            self.activated,
            self.live,
        )
    }
}

fn share(part: usize, whole: usize) -> String {
    let tenths = (part * 1000 + whole / 2).checked_div(whole).unwrap_or(1000);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// The table: our corpora, and CommonMark's examples where they have been fetched.
pub fn all() -> Vec<Row> {
    let mut rows = vec![canvas(), literal(), discourse()];
    rows.extend(commonmark());
    rows
}

/// The entries of a corpus.
pub fn corpus(name: &str) -> Vec<Value> {
    let path = format!("{}/corpus/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A text of an entry.
pub fn field<'a>(one: &'a Value, name: &str) -> &'a str {
    one.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn wanted(one: &Value) -> Vec<&str> {
    one.get("keep")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

/// Canvas bodies, each with what must be seen in the Markdown and be there again in the HTML.
pub fn canvas() -> Row {
    let mut row = Row {
        corpus: "Canvas bodies",
        ..Row::default()
    };
    for one in corpus("canvas") {
        let html = field(&one, "html");
        // What is shown differently on purpose, or was invalid, is judged by what is kept alone.
        let differs = one.get("differs").is_some();
        let trip = if differs {
            from_canvas(&mut Row::default(), field(&one, "name"), html)
        } else {
            from_canvas(&mut row, field(&one, "name"), html)
        };
        let missing: Vec<&str> = wanted(&one)
            .into_iter()
            .filter(|part| !trip.markdown.contains(part) && !trip.back.contains(part))
            .collect();
        row.kept.1 += 1;
        row.kept.0 += usize::from(missing.is_empty());
        if !missing.is_empty() {
            row.short.push(format!(
                "{}: {missing:?} not in {trip:?}",
                field(&one, "name")
            ));
        }
    }
    row
}

/// Plain text full of special characters: it must stay text.
pub fn literal() -> Row {
    let mut row = Row {
        corpus: "literal text",
        ..Row::default()
    };
    for one in corpus("literal") {
        let text = one.as_str().unwrap();
        let html = format!("<p>{}</p>", text.replace('&', "&amp;").replace('<', "&lt;"));
        let trip = from_canvas(&mut row, text, &html);
        let seen = canonical_markdown(&trip.markdown, &Context::default());
        // A bare address is a link on both sides; nothing else may be more than a paragraph.
        let acts = seen.contains(" data-dsc-") || seen.contains("class=\"math\"");
        row.activated += usize::from(acts);
        if acts {
            row.short.push(format!("activated {text:?}: {seen}"));
        }
    }
    row
}

/// CommonMark's own examples, as `cargo xtask test` fetches them.
pub fn commonmark() -> Option<Row> {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/commonmark/spec.txt"
    ));
    let Ok(spec) = std::fs::read_to_string(path) else {
        println!("CommonMark's examples are not here: `cargo xtask test` fetches them");
        return None;
    };
    let mut row = Row {
        corpus: "CommonMark 0.31.2",
        ..Row::default()
    };
    let fence = "`".repeat(32);
    for (number, part) in spec
        .split(&format!("{fence} example\n"))
        .skip(1)
        .enumerate()
    {
        let example = part.split(&fence).next().unwrap().replace('→', "\t");
        let (_, html) = example
            .split_once("\n.\n")
            .unwrap_or(("", example.trim_start_matches(".\n")));
        from_canvas(&mut row, &(number + 1).to_string(), html);
    }
    Some(row)
}

/// Discourse bodies, each with what the HTML must show and must come back.
pub fn discourse() -> Row {
    let ctx = Context::default();
    let mut row = Row {
        corpus: "Discourse bodies",
        ..Row::default()
    };
    for one in corpus("discourse") {
        let (name, raw) = (field(&one, "name"), field(&one, "raw"));
        let html = discourse_to_canvas(raw, &ctx).text;
        let back = canvas_to_discourse(&html, &ctx).text;
        let again = discourse_to_canvas(&back, &ctx).text;
        row.bodies += 1;
        row.text += usize::from(words(&html) == words(&again));
        let same = canonical_markdown(raw, &ctx) == canonical_markdown(&back, &ctx);
        row.structure += usize::from(same);
        row.fixpoint += usize::from(html == again);
        row.live += usize::from(sanitise(&html) != html);
        let third = canvas_to_discourse(&again, &ctx).text;
        row.drift += usize::from(third != back);
        let missing: Vec<&str> = wanted(&one)
            .into_iter()
            .filter(|part| !html.contains(part) && !back.contains(part))
            .collect();
        row.kept.1 += 1;
        let kept = missing.is_empty() && same;
        row.kept.0 += usize::from(kept);
        if !kept || html != again {
            row.short.push(format!(
                "{name}: {missing:?}\n raw {raw:?}\n html {html:?}\n back {back:?}"
            ));
        }
    }
    row
}

#[derive(Debug)]
struct Trip {
    markdown: String,
    back: String,
}

fn from_canvas(row: &mut Row, name: &str, html: &str) -> Trip {
    let ctx = Context::default();
    let markdown = canvas_to_discourse(html, &ctx).text;
    let back = discourse_to_canvas(&markdown, &ctx).text;
    let again = canvas_to_discourse(&back, &ctx).text;
    let back_again = discourse_to_canvas(&again, &ctx).text;
    let shown = rendered(&markdown);
    row.bodies += 1;
    let structure = seen(&shown) == seen(html) && seen(&back) == seen(html);
    // Equations and people have other words in Markdown: there the outline is what compares them.
    let forms = html.contains("data-equation-content") || html.contains("data-mention");
    let text = if forms {
        structure
    } else {
        words(&shown) == words(html) && words(&back) == words(html)
    };
    row.text += usize::from(text);
    row.structure += usize::from(structure);
    row.fixpoint += usize::from(again == markdown);
    row.drift += usize::from(back_again != back);
    row.live += usize::from(sanitise(&back) != back);
    if !text || !structure || again != markdown {
        row.short.push(format!(
            "{name}\n html  {html:?}\n raw   {markdown:?}\n back  {back:?}\n   wanted {}\n   shown  {}\n   back   {}",
            seen(html),
            seen(&shown),
            seen(&back),
        ));
    }
    Trip { markdown, back }
}

fn seen(html: &str) -> String {
    let rules = Rules {
        plugins: true,
        lenient: true,
    };
    outline(html, rules)
}

/// Markdown as another CommonMark parser shows it, with Discourse's rule for newlines.
fn rendered(markdown: &str) -> String {
    use pulldown_cmark::{Event, Options, Parser, html::push_html};
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_MATH;
    let markdown = blocks_of_bbcode(markdown);
    let events = Parser::new_ext(&markdown, options).map(|event| match event {
        Event::SoftBreak => Event::HardBreak,
        other => other,
    });
    let mut html = String::new();
    push_html(&mut html, events);
    html
}

/// The BBCode that our writer uses, as HTML: the other parser knows none.
fn blocks_of_bbcode(markdown: &str) -> String {
    let mut out = String::new();
    for line in markdown.split('\n') {
        let summary = line
            .strip_prefix("[details=\"")
            .and_then(|rest| rest.strip_suffix("\"]"));
        match (summary, line) {
            (Some(summary), _) => {
                out.extend(["<details><summary>", summary, "</summary>\n\n"]);
            }
            (None, "[/details]") => out.push_str("\n</details>\n"),
            _ => {
                out.push_str(&line.replace("[u]", "<u>").replace("[/u]", "</u>"));
                out.push('\n');
            }
        }
    }
    out
}
